import { test, type TestContext } from 'node:test'

import type { ItemVersion } from '../../src/changes/schemas.ts'
import { openApp, type Manager } from '../support/app.ts'

const tea = { name: 'Green tea', category: 'Grocery', price_usd: 4.49, in_stock: true }
const csv = { 'content-type': 'text/csv' }
const unknown = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'

test('a change set tells who changed what, and when', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const bob = await signIn('bob@example.com')
  const before = Date.now()
  const { id } = (await ada.post('/items', tea)).json()
  await ada.patch(`/items/${id}`, { price_usd: 4.99, in_stock: true }, { 'x-request-id': 'raise' })
  const [set] = (await bob.get('/changes')).json()
  t.assert.ok(Date.parse(set.at) >= before && Date.parse(set.at) <= Date.now() + 1)
  t.assert.deepStrictEqual(set, {
    id: set.id,
    at: set.at,
    kind: 'update',
    source: 'api',
    store_manager: { id: ada.id, name: 'Ada Lovelace' },
    request_id: 'raise',
    created: 0,
    updated: 1,
    deleted: 0,
  })
  t.assert.deepStrictEqual((await bob.get(`/changes/${set.id}`)).json(), set)
  t.assert.deepStrictEqual((await bob.get(`/changes/${set.id}/items`)).json(), [
    { item_id: id, name: 'Green tea', kind: 'update', version: 2, fields: { price_usd: [4.49, 4.99] } },
  ])
})

test('the changes of a deleted item are listed, newest first', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.patch(`/items/${id}`, { name: 'Tea' })
  await ada.delete(`/items/${id}`)
  const changes = (await ada.get(`/items/${id.toUpperCase()}/changes`)).json()
  const values = { category: 'Grocery', price_usd: 4.49, in_stock: true, store_manager_id: ada.id }
  const all = Object.entries({ name: 'Green tea', ...values })
  t.assert.deepStrictEqual(
    changes.map(({ kind, version, fields, change }: ItemVersion) => [kind, version, fields, change.kind]),
    [
      [
        'delete',
        3,
        {
          ...Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value, null]])),
          name: ['Tea', null],
        },
        'delete',
      ],
      ['update', 2, { name: ['Green tea', 'Tea'] }, 'update'],
      ['create', 1, Object.fromEntries(all.map(([name, value]) => [name, [null, value]])), 'create'],
    ],
  )
})

test('change sets are filtered by manager, kind, item, and time', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const bob = await signIn('bob@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await bob.post('/items', tea)
  await ada.delete(`/items/${id}`)
  const all = (await ada.get('/changes')).json()
  const [deleted, second, first] = all.map((set: { id: string }) => set.id)
  t.assert.strictEqual(all.length, 3)
  const list = async (query: string) => (await ada.get(`/changes?${query}`)).json().map((set: { id: string }) => set.id)
  t.assert.deepStrictEqual(await list(`manager=${bob.id}`), [second])
  t.assert.deepStrictEqual(await list('kind=create'), [second, first])
  t.assert.deepStrictEqual(await list(`item=${id}`), [deleted, first])
  t.assert.deepStrictEqual(await list(`item=${id}&kind=delete&manager=${ada.id}`), [deleted])
  t.assert.deepStrictEqual(await list(`since=${new Date(Date.now() + 60_000).toISOString()}`), [])
  t.assert.deepStrictEqual(await list(`until=${all[2].at}`), [])
  t.assert.deepStrictEqual(await list(`since=${all[2].at}&until=2999-01-01T00:00:00%2B01:00`), [deleted, second, first])
})

test('pages of changes follow each other by Link without a gap', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const rows = Array.from({ length: 7 }, (_, n) => `Tea ${n},Grocery,${n},true\n`)
  await ada.post('/items/import', `name,category,price_usd,in_stock\n${rows.join('')}`, csv)
  const [{ item_id: id, change }] = (await ada.get(`/items/${await firstItem(ada)}/changes`)).json()
  for (let n = 1; n <= 4; n++) await ada.patch(`/items/${id}`, { price_usd: 100 + n })
  for (const [path, total] of [
    ['/changes?kind=update', 4],
    [`/changes/${change.id}/items`, 7],
    [`/items/${id}/changes`, 5],
  ] as const) {
    const whole = (await ada.get(path)).json()
    t.assert.strictEqual(whole.length, total)
    let next: string | undefined = `${path}${path.includes('?') ? '&' : '?'}limit=2`
    const found = []
    while (next !== undefined) {
      const page = await ada.get(next)
      found.push(...page.json())
      next = /<([^>]*)>; rel="next"/.exec(String(page.headers.link))?.[1]
      t.assert.strictEqual(page.headers['x-next-after'] !== undefined, next !== undefined)
    }
    t.assert.deepStrictEqual(found, whole)
  }
})

test('change sets and items that do not exist are 404', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const codes = async (path: string) => {
    const response = await ada.get(path)
    return [response.statusCode, response.json().code]
  }
  t.assert.deepStrictEqual(await codes(`/changes/${unknown}`), [404, 'change_not_found'])
  t.assert.deepStrictEqual(await codes(`/changes/${unknown}/items`), [404, 'change_not_found'])
  t.assert.deepStrictEqual(await codes(`/items/${unknown}/changes`), [404, 'item_not_found'])
  t.assert.deepStrictEqual(await codes('/changes?since=yesterday'), [422, 'invalid_request'])
  t.assert.deepStrictEqual(await codes('/changes?until=2025-02-30T00:00:00Z'), [422, 'invalid_request'])
  t.assert.deepStrictEqual(await codes('/changes?after=x'), [422, 'invalid_request'])
})

test('changes need a valid token', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  await ada.post('/store-managers/logout')
  for (const path of ['/changes', `/changes/${unknown}`, `/changes/${unknown}/items`, `/items/${unknown}/changes`]) {
    t.assert.strictEqual((await send({ method: 'GET', url: path })).statusCode, 401)
    t.assert.strictEqual((await ada.get(path)).statusCode, 401)
  }
})

async function firstItem(manager: Manager): Promise<string> {
  return Object.keys((await manager.get('/items')).json())[0] ?? ''
}
