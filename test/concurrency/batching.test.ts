import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'

import { batchReads, batchWrites } from '../../src/concurrency/batching.ts'
import { itemCreator } from '../../src/items/creation.ts'
import { storeUnavailable } from '../../src/problems.ts'
import { type Manager, openApp } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'

const pet = { name: 'Bone', category: 'Pet' as const, in_stock: true }
test('a thousand concurrent reads each get their own response', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  const present = await createMany(ada, 100)
  const changed = await createMany(ada, 100)
  const absent = present.map(({ id }) => id.replace(/^.{8}/, '00000000'))
  for (const item of changed) Object.assign(item, (await ada.patch(`/items/${item.id}`, { price_usd: 5.49 })).json())
  const expected = new Map([...present, ...changed].map((item) => [item.id, item]))
  const ids = Array.from({ length: 1000 }, (_, n) => [...expected.keys(), ...absent][(n * 7919) % 300] ?? '')

  const answers = await Promise.all(ids.map((id, n) => (n % 2 ? ada : grace).get(`/items/${id}`)))
  for (const [n, answer] of answers.entries()) {
    const item = expected.get(ids[n] ?? '')
    t.assert.strictEqual(answer.statusCode, item ? 200 : 404)
    if (item) t.assert.deepStrictEqual(answer.json(), item)
    else t.assert.strictEqual(answer.json().code, 'item_not_found')
  }
})

test('a read that begins after the response of a write sees it', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const items = await createMany(ada, 20)
  const change = async (id: string) => {
    for (let price_usd = 0; price_usd < 20; price_usd++) {
      await ada.patch(`/items/${id}`, { price_usd })
      t.assert.strictEqual((await ada.get(`/items/${id}`)).json().price_usd, price_usd)
    }
    await ada.delete(`/items/${id}`)
    t.assert.strictEqual((await ada.get(`/items/${id}`)).statusCode, 404)
  }
  await Promise.all(items.map(({ id }) => change(id)))
})

test('an invalid token is refused before anything else is checked', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const id = (await createMany(ada, 1))[0]?.id ?? ''
  await ada.get('/store-managers/logout')
  const paths = [`/items/${id}`, '/items', '/items/7', '/items?expand=x', `/items/${id.replace(/^.{8}/, '00000000')}`]
  for (const path of paths) t.assert.strictEqual((await ada.get(path)).statusCode, 401)
  t.assert.strictEqual((await ada.patch('/items/7', { price_usd: -1 })).statusCode, 401)
})

test('reads of one turn share a query, and its failure', async (t: TestContext) => {
  const asked: string[][] = []
  const read = batchReads(async (keys: string[]) => {
    asked.push(keys)
    if (keys.includes('bad')) throw new Error('away')
    return new Map(keys.map((key) => [key, `${key}!`]))
  }, 1)
  t.assert.deepStrictEqual(await Promise.all([read('a'), read('b'), read('a')]), ['a!', 'b!', 'a!'])
  const failed = await Promise.allSettled([read('a'), read('bad')])
  t.assert.deepStrictEqual(
    failed.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  t.assert.strictEqual(await read('a'), 'a!')
  t.assert.deepStrictEqual(asked, [['a', 'b'], ['a', 'bad'], ['a']])
})

test('reads that wait for a query share the next one', async (t: TestContext) => {
  const asked: string[][] = []
  let value = 'before'
  const release: (() => void)[] = []
  const read = batchReads(async (keys: string[]) => {
    asked.push(keys)
    const values = new Map(keys.map((key) => [key, value]))
    await new Promise<void>((resolve) => release.push(resolve))
    return values
  }, 1)
  const early = read('a')
  await setImmediate()
  const late: Promise<string | undefined>[] = []
  value = 'after'
  for (const key of ['a', 'b', 'a']) {
    late.push(read(key))
    await setImmediate()
  }
  t.assert.deepStrictEqual(asked, [['a']])
  release.shift()?.()
  t.assert.strictEqual(await early, 'before')
  await setImmediate()
  release.shift()?.()
  t.assert.deepStrictEqual(await Promise.all(late), ['after', 'after', 'after'])
  t.assert.deepStrictEqual(asked, [['a'], ['a', 'b']])
})

test('one bad row of a batch fails alone', async (t: TestContext) => {
  const { signIn, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const create = itemCreator(context)
  const rows = Array.from({ length: 40 }, (_, n) => ({
    token: tokenOf(n % 4 ? ada.id : randomUUID()),
    item: { ...pet, price_usd: n },
  }))
  const results = await Promise.allSettled(
    rows.map(({ token, item }) => create({ token, requestId: randomUUID() }, item)),
  )
  for (const [n, result] of results.entries()) {
    if (n % 4) t.assert.strictEqual(result.status, 'fulfilled')
    else t.assert.strictEqual(result.status === 'rejected' && result.reason.code, 'invalid_token')
  }
  const items = Object.values<{ price_usd: number }>((await ada.get('/items')).json())
  t.assert.deepStrictEqual(
    items.map((item) => item.price_usd).toSorted((a, b) => a - b),
    rows.map((_, n) => n).filter((n) => n % 4),
  )
})

test('rows that wait for a connection share the next statement', async (t: TestContext) => {
  const statements: number[][] = []
  const release: (() => void)[] = []
  const write = batchWrites((rows: number[]) => {
    statements.push(rows)
    return new Promise<Set<number>>((resolve) => release.push(() => resolve(new Set(rows))))
  }, 2)
  const writes: Promise<boolean>[] = []
  for (let row = 0; row < 8; row++) {
    writes.push(write(row))
    await setImmediate()
    await setImmediate()
  }
  t.assert.deepStrictEqual(statements, [[0], [1]])
  while (release.length > 0) {
    release.shift()?.()
    await setImmediate()
  }
  await Promise.all(writes)
  t.assert.deepStrictEqual(statements, [[0], [1], [2, 3, 4, 5, 6, 7]])
})

test('rows of a batch with an unknown outcome are not written again', async (t: TestContext) => {
  let statements = 0
  const write = batchWrites(async () => {
    statements++
    throw storeUnavailable('PostgreSQL', new Error('cut off'))
  }, 2)
  const results = await Promise.allSettled([write(1), write(2), write(3)])
  t.assert.strictEqual(statements, 1)
  for (const { status } of results) t.assert.strictEqual(status, 'rejected')
})

function tokenOf(sub: string) {
  return {
    sub,
    jti: randomUUID(),
    exp: Math.floor(Date.now() / 1000) + 60,
    issuedAt: 0,
    generation: 0,
    worksElsewhere: false,
  }
}

async function createMany(manager: Manager, count: number): Promise<{ id: string }[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, n) => manager.post('/items', { ...tea, price_usd: n })),
  )
  return answers.map((answer) => answer.json())
}
