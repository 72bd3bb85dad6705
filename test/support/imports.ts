import type { TestContext } from 'node:test'

import type { InjectOptions } from 'fastify'

import { type Manager, openApp, type TestApp } from './app.ts'

/** What an import says, or the problem that it is. */
export interface Report {
  code?: string
  detail?: string
  mode: string
  dry_run: boolean
  created: number
  updated: number
  unchanged: number
  failed: number
  same_name?: number
  changes?: { line: number; id: string; before: Contents; after: Contents }[]
  errors: { line: number; column: string | null; type: string; msg: string }[]
  errors_omitted: number
}

interface Contents {
  name: string
  category: string
  price_usd: number
  in_stock: boolean
}

export interface Importing extends TestApp {
  ada: Manager
  bob: Manager
  /** Imports `body` as Ada, or as `who`; CSV unless it begins as JSON does. */
  upload(body: InjectOptions['payload'], query?: string, who?: Manager): Promise<{ status: number; report: Report }>
  /** All items, in the order of their ids. */
  stock(): Promise<({ id: string } & Contents)[]>
  /** The same without their ids and owners. */
  contents(): Promise<Contents[]>
}

/** An application to import into, with two managers signed in. */
export async function openImporting(t: TestContext, env: Record<string, string> = {}): Promise<Importing> {
  const app = await openApp(t, env)
  const ada = await app.signIn('ada@example.com')
  const bob = await app.signIn('bob@example.com')
  const stock: Importing['stock'] = async () => Object.values((await ada.get('/items')).json())
  return {
    ...app,
    ada,
    bob,
    async upload(body, query = '', who = ada) {
      const type = typeof body === 'string' && body.startsWith('{') ? 'application/x-ndjson' : 'text/csv'
      const answer = await who.post(`/items/import${query}`, body, { 'content-type': type })
      return { status: answer.statusCode, report: answer.json() }
    },
    stock,
    async contents() {
      const items = await stock()
      return items.map(({ name, category, price_usd, in_stock }) => ({ name, category, price_usd, in_stock }))
    },
  }
}

/** Lines with LF after each. */
export function lines(...each: string[]): string {
  return each.map((line) => `${line}\n`).join('')
}

export const header = 'name,category,price_usd,in_stock'
export const withId = `id,${header}`
