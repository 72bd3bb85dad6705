import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterPosition, beforeItems, decodeCursor, encodeCursor } from '../../../src/changes/feed/cursor.ts'
import type { FeedEvent } from '../../../src/changes/feed/schemas.ts'
import { openTail } from '../../../src/changes/feed/tail.ts'
import { openApp, type Manager } from '../../support/app.ts'
import { tea } from '../../support/fixtures.ts'
import { openCopy } from '../../support/follower.ts'

const csv = { 'content-type': 'text/csv' }

interface Page {
  events: FeedEvent[]
  next: string
}

async function read(manager: Manager, query: string): Promise<Page> {
  const response = await manager.get(`/changes/feed?${query}`)
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${response.body}`)
  return { events: response.json(), next: String(response.headers['x-next-after']) }
}

/** Pages until there are `count` events. Transactions of other tests on the same server may delay some. */
async function readAll(manager: Manager, since: string, count: number, query = ''): Promise<Page> {
  const events: FeedEvent[] = []
  let next = since
  while (events.length < count) {
    const page = await read(manager, `since=${next}&wait=60&${query}`)
    events.push(...page.events)
    next = page.next
  }
  return { events, next }
}

test('the feed has every change in order, each with its set', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { next: start, events } = await read(ada, 'since=now')
  t.assert.deepStrictEqual(events, [])
  const { id } = (await ada.post('/items', tea)).json()
  await ada.patch(`/items/${id}`, { price_usd: 5.25 })
  await ada.delete(`/items/${id}`)
  const { events: changes } = await readAll(ada, start, 3)
  const [set] = (await ada.get('/changes?kind=update')).json()
  t.assert.deepStrictEqual(
    changes.map(({ kind, version }) => [kind, version]),
    [
      ['create', 1],
      ['update', 2],
      ['delete', 3],
    ],
  )
  t.assert.deepStrictEqual(changes[1], {
    item_id: id,
    name: tea.name,
    kind: 'update',
    version: 2,
    fields: { price_usd: [tea.price_usd, 5.25] },
    change: set,
  })
})

test('pages of the feed have each change once, whatever their size', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { next: start } = await read(ada, 'since=now')
  const rows = Array.from({ length: 7 }, (_, n) => `Tea ${n},Grocery,${n},true\n`)
  await ada.post('/items/import', `name,category,price_usd,in_stock\n${rows.join('')}`, csv)
  await Promise.all(rows.map(() => ada.post('/items', tea)))
  const whole = await readAll(ada, start, 14)
  t.assert.strictEqual(whole.events.length, 14)
  for (const limit of [1, 3, 14]) {
    t.assert.deepStrictEqual(await readAll(ada, start, 14, `limit=${limit}`), whole)
  }
  t.assert.deepStrictEqual(await read(ada, `since=${whole.next}`), { events: [], next: whole.next })
})

test('a copy begins with all items and continues with their changes', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const ids = await Promise.all([1, 2, 3].map(async () => (await ada.post('/items', tea)).json().id))
  const first = await read(ada, 'since=beginning&limit=2')
  await ada.patch(`/items/${ids[0]}`, { name: 'Changed meanwhile' })
  await ada.patch(`/items/${ids[2]}`, { name: 'Deleted before it is listed' })
  await ada.delete(`/items/${ids[2]}`)
  const copy = openCopy()
  for (const event of first.events) copy.apply(event)
  let { next } = first
  while (copy.items.size !== 2 || copy.items.get(ids[0])?.version !== 2) {
    const page = await read(ada, `since=${next}&limit=2&wait=60`)
    for (const event of page.events) copy.apply(event)
    next = page.next
  }
  t.assert.deepStrictEqual(copy.violations, [])
  const items = Object.entries<object>((await ada.get('/items')).json())
  t.assert.deepStrictEqual(
    [...copy.items].map(([id, { values }]) => [id, { id, ...values }]),
    items,
  )
  t.assert.deepStrictEqual(first.events[0]?.fields, {
    name: [null, tea.name],
    category: [null, tea.category],
    price_usd: [null, tea.price_usd],
    in_stock: [null, tea.in_stock],
    store_manager_id: [null, ada.id],
  })
})

test('a cursor does not pass a transaction that is still open', async (t: TestContext) => {
  const { signIn, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { next: start } = await read(ada, 'since=now')
  const { client, release } = await context.pool.acquire()
  t.after(() => release(true))
  await client.query('begin')
  await client.query('select pg_current_xact_id()')
  await ada.post('/items', tea)
  t.assert.deepStrictEqual(await read(ada, `since=${start}`), { events: [], next: start })
  await client.query('rollback')
  t.assert.strictEqual((await readAll(ada, start, 1)).events.length, 1)
})

test('a poll waits for the first change', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { next } = await read(ada, 'since=now')
  const polled = read(ada, `since=${next}&wait=60`)
  const other = read(ada, `since=${next}&wait=60&kind=delete`)
  // Polls that did not wait would have been sent a response by now.
  await sleep(500)
  const { id } = (await ada.post('/items', tea)).json()
  t.assert.deepStrictEqual(
    (await polled).events.map((event) => event.item_id),
    [id],
  )
  await ada.delete(`/items/${id}`)
  t.assert.deepStrictEqual(
    (await other).events.map((event) => event.kind),
    ['delete'],
  )
})

test('a tail that is watched wakes those who wait', async (t: TestContext) => {
  const { context } = await openApp(t)
  const tail = openTail(context.db)
  const signal = AbortSignal.timeout(30_000)
  const watching = tail.watch()
  await tail.wait(signal, 60_000)
  watching[Symbol.dispose]()
  t.assert.strictEqual(signal.aborted, false)
})

test('a cursor is read as it was written, in each phase', (t: TestContext) => {
  for (const cursor of [beforeItems('0123456789abcdef', 7), afterPosition('0123456789abcdef', 8)]) {
    t.assert.deepStrictEqual(decodeCursor(encodeCursor(cursor)), cursor)
  }
})

test('the feed is filtered by manager, kind, and item', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const bob = await signIn('bob@example.com')
  const { next } = await read(ada, 'since=now')
  const { id } = (await ada.post('/items', tea)).json()
  await bob.post('/items', tea)
  await ada.delete(`/items/${id}`)
  const kinds = async (query: string) => (await read(ada, `since=${next}&${query}`)).events.map(({ kind }) => kind)
  await readAll(ada, next, 3)
  t.assert.deepStrictEqual(await kinds(''), ['create', 'create', 'delete'])
  t.assert.deepStrictEqual(await kinds(`manager=${bob.id.toUpperCase()}`), ['create'])
  t.assert.deepStrictEqual(await kinds('kind=delete'), ['delete'])
  t.assert.deepStrictEqual(await kinds(`item=${id.toUpperCase()}`), ['create', 'delete'])
  const emptied = await read(ada, `since=${next}&kind=import`)
  t.assert.notStrictEqual(emptied.next, next)
  t.assert.deepStrictEqual((await read(ada, `since=${emptied.next}`)).events, [])
})

test('wrong queries of the feed are 422 and name the parameter', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const [query, name] of [
    ['', 'since'],
    ['since=yesterday', 'since'],
    ['since=', 'since'],
    ['since=now&wait=61', 'wait'],
    ['since=now&limit=0', 'limit'],
    ['since=now&kinds=update', 'kinds'],
    ['since=beginning&kind=update', 'kind'],
    ['since=now&item=x', 'item'],
  ] as const) {
    const response = await ada.get(`/changes/feed?${query}`)
    t.assert.strictEqual(response.statusCode, 422, query)
    t.assert.deepStrictEqual(response.json().errors[0].loc, ['query', name])
  }
})

test('a cursor of another history or before a purge is 410', async (t: TestContext) => {
  const { signIn, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { next: early } = await read(ada, 'since=now')
  await ada.post('/items', tea)
  await ada.post('/items', tea)
  const { next: late } = await readAll(ada, early, 2)
  await context.db
    .updateTable('change_feed')
    .set({ purged_position: late.split('.')[2] ?? '' })
    .execute()
  const code = async (since: string) => (await ada.get(`/changes/feed?since=${since}`)).json().code
  t.assert.strictEqual(await code(early), 'cursor_expired')
  t.assert.deepStrictEqual((await read(ada, `since=${late}`)).events, [])
  await context.db.updateTable('change_feed').set({ feed_id: '00000000-0000-0000-0000-000000000000' }).execute()
  t.assert.strictEqual(await code(late), 'cursor_expired')
})

test('a poll ends with its token', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { next } = await read(ada, 'since=now')
  const polled = ada.get(`/changes/feed?since=${next}&wait=60`)
  await ada.post('/store-managers/logout')
  t.assert.strictEqual((await polled).json().code, 'invalid_token')
})

test('when the service stops, polls and new followers get 503', async (t: TestContext) => {
  const { signIn, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { next } = await read(ada, 'since=now')
  const polled = ada.get(`/changes/feed?since=${next}&wait=60`)
  context.readiness.startDraining()
  for (const response of [await polled, await ada.get('/changes/feed?since=now')]) {
    t.assert.strictEqual(response.json().code, 'too_busy')
    t.assert.strictEqual(response.headers['retry-after'], '1')
  }
})
