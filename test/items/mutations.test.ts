import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { type Manager, openApp, openAppOn, testConfig, type TestApp } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { schemaClient } from '../support/schema-client.ts'

test('concurrent changes and deletions each get their own response', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  const mine = await createMany(ada, 80)
  const hers = await createMany(grace, 20)
  const ask = {
    changed: (id: string, n: number) => ada.patch(`/items/${id}`, { price_usd: n }),
    'of its version': (id: string) =>
      ada.patch(`/items/${id.toUpperCase()}`, { in_stock: false }, { 'if-match': '"1"' }),
    'of another': (id: string) => ada.patch(`/items/${id}`, { name: 'Lost' }, { 'if-match': '"2", "7"' }),
    deleted: (id: string) => ada.delete(`/items/${id}`, undefined, { 'if-match': '*' }),
    "another manager's": (id: string) => ada.delete(`/items/${id}`),
    absent: () => ada.patch(`/items/${randomUUID()}`, { price_usd: 1 }),
  }
  const expected: [keyof typeof ask, number, string | undefined][] = [
    ['changed', 200, undefined],
    ['of its version', 200, undefined],
    ['of another', 412, 'precondition_failed'],
    ['deleted', 204, undefined],
    ["another manager's", 403, 'not_owner'],
    ['absent', 404, 'item_not_found'],
  ]
  const asked = expected.flatMap(([what, status, code], kind) =>
    (kind < 4 ? mine.slice(kind * 20, kind * 20 + 20) : hers).map((id, n) => ({ what, id, n, status, code })),
  )
  const answers = await Promise.all(asked.map(({ what, id, n }) => ask[what](id, n)))
  for (const [index, { what, id, n, status, code }] of asked.entries()) {
    const answer = answers[index]
    t.assert.strictEqual(answer?.statusCode, status, what)
    if (code) t.assert.strictEqual(answer.json().code, code)
    const item = await ada.get(`/items/${id}`)
    t.assert.strictEqual(item.statusCode, what === 'deleted' ? 404 : 200)
    if (what === 'changed') t.assert.deepStrictEqual(item.json(), { ...answer.json(), price_usd: n })
    if (what === 'of its version') t.assert.strictEqual(item.json().in_stock, false)
    if (status > 400) t.assert.strictEqual(item.headers.etag, '"1"')
  }
})

test('concurrent changes of one item are all made', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const [id = ''] = await createMany(ada, 1)
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, price_usd) => ada.patch(`/items/${id}`, { price_usd })),
  )
  const tags = answers.map(({ headers }) => String(headers.etag)).toSorted()
  t.assert.deepStrictEqual(tags, Array.from({ length: 60 }, (_, n) => `"${n + 2}"`).toSorted())
})

test('a locked item delays its own change and no other', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const [held = '', ...others] = await createMany(ada, 20)
  await withHeld(app, held, async (letGo) => {
    let isDone = false
    const waiting = ada.patch(`/items/${held}`, { price_usd: 1 }).finally(() => (isDone = true))
    const answers = await Promise.all(others.map((id) => ada.patch(`/items/${id}`, { price_usd: 1 })))
    for (const answer of answers) t.assert.strictEqual(answer.statusCode, 200)
    t.assert.strictEqual(isDone, false)
    await letGo()
    t.assert.strictEqual((await waiting).statusCode, 200)
  })
})

test('a change that waits too long gets 503 and is not made later', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const [id = ''] = await createMany(ada, 1)
  await withHeld(app, id, async (letGo) => {
    const answers = await Promise.all([ada.patch(`/items/${id}`, { price_usd: 1 }), ada.delete(`/items/${id}`)])
    for (const answer of answers) {
      t.assert.strictEqual(answer.statusCode, 503)
      t.assert.strictEqual(answer.json().code, 'too_busy')
      t.assert.strictEqual(answer.headers['retry-after'], '1')
    }
    await letGo()
  })
  // They have waited for a lock too long, rather than run too long.
  const reasons = app.log.filter((line) => line.includes('"level":20')).map((line) => JSON.parse(line).err?.code)
  t.assert.deepStrictEqual(reasons, ['55P03', '55P03'])
  t.assert.strictEqual((await ada.get(`/items/${id}`)).headers.etag, '"1"')
  t.assert.strictEqual((await ada.patch(`/items/${id}`, { price_usd: 1 })).statusCode, 200)
})

test('two processes that change the same items do not block each other', async (t: TestContext) => {
  const first = await openApp(t)
  const second = await openAppOn(t, first.server, testConfig(first.context.config.pool.schema))
  const ada = await first.signIn('ada@example.com')
  const again = await second.signIn('ada@example.com')
  const ids = await createMany(ada, 30)
  const turns = 10
  // A change to the value that an item has already would not count.
  const changeAll = async (manager: Manager, order: string[], cents: number) => {
    for (let turn = 0; turn < turns; turn++) {
      const answers = await Promise.all(order.map((id) => manager.patch(`/items/${id}`, { price_usd: turn + cents })))
      for (const answer of answers) t.assert.strictEqual(answer.statusCode, 200)
    }
  }
  await Promise.all([changeAll(ada, ids, 0), changeAll(again, ids.toReversed(), 0.5)])
  for (const id of ids) t.assert.strictEqual((await ada.get(`/items/${id}`)).headers.etag, `"${2 * turns + 1}"`)
})

async function createMany(manager: Manager, count: number): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => manager.post('/items', tea)))
  return answers.map((answer) => answer.json().id)
}

/** Does `work` while the item is locked by another transaction, until it releases the item. */
async function withHeld(
  { server, context }: TestApp,
  id: string,
  work: (letGo: () => Promise<unknown>) => Promise<void>,
) {
  const client = schemaClient(server, context.config.pool.schema)
  await client.connect()
  try {
    await client.query('begin')
    await client.query('select from items where id = $1 for update', [id])
    await work(() => client.query('commit'))
  } finally {
    await client.end()
  }
}
