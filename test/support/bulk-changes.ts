import type { TestContext } from 'node:test'

import { type Manager, openApp, type TestApp } from './app.ts'

export interface Bulk {
  status: number
  code?: string
  detail?: string
  dry_run: boolean
  matched: number
  changed: number
  unchanged: number
  not_owned: number
  not_found: number
  change: { id: string; updated: number; deleted: number } | null
  changes: { item_id: string; name: string; kind: string; version: number; fields: Record<string, unknown[]> }[]
  failed: number
  errors: { item_id: string; loc: string[]; type: string; msg: string }[]
  errors_omitted: number
}

export interface Shop extends TestApp {
  ada: Manager
  bob: Manager
  /** Adds an item of Ada, or of `who`, and returns its ID. */
  add(fields?: object, who?: Manager): Promise<string>
  /** Sends a bulk change as Ada, or as `who`. */
  bulk(select: unknown, change: unknown, more?: { query?: string; expect?: number; who?: Manager }): Promise<Bulk>
  /** The prices of these items. */
  prices(ids: string[]): Promise<number[]>
}

export const pets = { filters: { category: ['Pet'] } }

const item = { name: 'Leash', category: 'Pet', price_usd: 10, in_stock: true }

/** An application with two managers signed in. */
export async function openShop(t: TestContext, env: Record<string, string> = {}): Promise<Shop> {
  const app = await openApp(t, env)
  const ada = await app.signIn('ada@example.com')
  const bob = await app.signIn('bob@example.com')
  return {
    ...app,
    ada,
    bob,
    add: async (fields = {}, who = ada) => (await who.post('/items', { ...item, ...fields })).json().id,
    async bulk(select, change, { query = '', expect: matched, who = ada } = {}) {
      const body = { select, change, ...(matched !== undefined && { expect: { matched } }) }
      const answer = await who.post(`/items/bulk${query}`, JSON.stringify(body), { 'content-type': 'application/json' })
      const result = answer.json<Bulk>()
      return { ...result, status: answer.statusCode }
    },
    prices: (ids) => Promise.all(ids.map(async (id) => (await ada.get(`/items/${id}`)).json().price_usd)),
  }
}
