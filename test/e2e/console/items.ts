import type { TestContext } from 'node:test'

import type { Locator } from 'playwright-core'

import type { Manager, TestApp } from '../../support/app.ts'
import { password } from '../../support/fixtures.ts'
import { openConsole } from './support.ts'

export interface Row {
  name: string
  category: string
  price_usd: number
  in_stock: boolean
}

/** A second manager, with a name of her own. */
export async function registerMary(service: TestApp): Promise<Manager> {
  const email = 'mary@example.com'
  await service.send({ method: 'POST', url: '/store-managers', payload: { name: 'Mary Seacole', email, password } })
  return service.signIn(email)
}

/** A row of the list by the name of its item. */
export function rowOf(page: { locator(selector: string): Locator }, name: string): Locator {
  return page.locator('tbody tr').filter({ hasText: name })
}

export function item(name: string, price_usd = 5, more: Partial<Row> = {}): Row {
  return { name, category: 'Grocery', price_usd, in_stock: true, ...more }
}

/** Imports items; the first one is the oldest. */
export async function stock(manager: Manager, rows: Row[]): Promise<void> {
  const answer = await manager.post('/items/import', rows.map((row) => JSON.stringify(row)).join('\n'), {
    'content-type': 'application/x-ndjson',
  })
  if (answer.statusCode !== 200) throw new Error(answer.body)
}

/** 250 numbered items of one manager. */
export function numbered(count = 250): Row[] {
  return Array.from({ length: count }, (_, index) => item(`Item ${String(index).padStart(3, '0')}`, index + 1))
}

/** The console of a store with these items, as their owner sees it. */
export async function openItems(t: TestContext, rows: Row[], env: Record<string, string> = {}) {
  const console = await openConsole(t, env)
  const ada = await console.signIn('ada@example.com')
  if (rows.length > 0) await stock(ada, rows)
  await console.open('items')
  return { ...console, ada, row: (name: string) => rowOf(console.page, name) }
}
