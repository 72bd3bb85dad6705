import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'

const csv = { 'content-type': 'text/csv' }

test('with two connections everything is served or refused, not stuck', async (t: TestContext) => {
  const { signIn } = await openApp(t, { POSTGRES_POOL_SIZE: '1', POSTGRES_MAX_OVERFLOW: '1' })
  const ada = await signIn('ada@example.com')
  const bob = await signIn('bob@example.com')
  const rows = Array.from({ length: 500 }, (_, n) => `Tea ${n},Grocery,${n},true\n`).join('')
  const file = `name,category,price_usd,in_stock\n${rows}`
  const slow = [ada, bob].flatMap((manager) => [
    async () => {
      const imported = await manager.post('/items/import', file, csv)
      if (imported.statusCode !== 200) return imported
      const listed = await manager.get(`/changes?kind=import&manager=${manager.id}&limit=1`)
      if (listed.statusCode !== 200) return listed
      const [{ id }] = listed.json()
      return manager.post(`/changes/${id}/undo?on_conflict=skip`)
    },
    () =>
      manager.post('/items/bulk', {
        select: { filters: { category: ['Grocery'], store_manager_id: 'me' } },
        change: { price: { add: 1 } },
      }),
    () => manager.get('/items/export?format=json'),
    () => manager.get('/items'),
    () => manager.get('/items?q=tea&count=exact&sort=-price_usd&limit=5'),
    () => manager.get('/items/summary'),
    () => manager.get('/changes/feed?since=beginning&limit=100'),
  ])
  const quick = [ada, bob].flatMap((manager) => [
    () => manager.post('/items', tea),
    () => manager.post('/items', tea, { 'idempotency-key': randomUUID() }),
    () => manager.get('/store-managers/me'),
  ])
  const repeat = <T>(work: (() => Promise<T>)[], times: number) =>
    Promise.all(
      Array.from({ length: times }, () => work)
        .flat()
        .map((run) => run()),
    )
  const [slowly, quickly] = await Promise.all([repeat(slow, 5), repeat(quick, 20)])
  const statuses = Object.groupBy([...slowly, ...quickly], ({ statusCode }) => String(statusCode))
  t.diagnostic(JSON.stringify(Object.entries(statuses).map(([status, all]) => [status, all?.length])))
  const others = Object.keys(statuses).filter((status) => !['200', '201', '503'].includes(status))
  t.assert.deepStrictEqual(others, [], JSON.stringify(others.map((status) => statuses[status]?.[0]?.body)))
  t.assert.deepStrictEqual(
    quickly.filter(({ statusCode }) => statusCode >= 300),
    [],
  )
  for (const run of [...slow, ...quick]) t.assert.ok((await run()).statusCode < 300)
})
