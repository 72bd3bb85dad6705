import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'

import { sql } from 'kysely'

import { toBytes, toText } from '../../../src/changes/feed/event-stream.ts'
import type { Placed } from '../../../src/changes/feed/read.ts'
import { type Client, createClient, type FollowedEvent } from '../../../src/client/client.ts'
import type { Database } from '../../../src/database/database.ts'
import { openApp, type TestApp } from '../../support/app.ts'
import { password, tea } from '../../support/fixtures.ts'
import { openCopy } from '../../support/follower.ts'
import { seriesOf } from '../../support/metrics.ts'
import { eventually, until } from '../../support/until.ts'

const inUse = 'stockroom_semaphore_in_use{semaphore="feed_followers"}'

interface Service extends TestApp {
  client: Client
  url: string
  /** The text of an event stream until it ends. */
  stream(query: string, headers?: Record<string, string>): Promise<{ status: number; text: Promise<string> }>
}

async function openService(t: TestContext): Promise<Service> {
  const app = await openApp(t)
  const url = await app.app.listen({ port: 0, host: '127.0.0.1' })
  const client = createClient({ baseUrl: url })
  await client.register({ name: 'Ada Lovelace', email: 'ada@example.com', password })
  const { access_token: token } = await client.logIn({ email: 'ada@example.com', password })
  const stream = async (query: string, headers: Record<string, string> = {}) => {
    const sent = { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers }
    const response = await fetch(`${url}/changes/feed?${query}`, { headers: sent })
    return { status: response.status, text: response.text() }
  }
  return { ...app, client, url, stream }
}

/** The first `count` events. */
async function take(events: AsyncIterable<FollowedEvent>, count: number): Promise<FollowedEvent[]> {
  const taken: FollowedEvent[] = []
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

/** Whether transactions of other tests on the same server delay no change any more. */
async function isSettled(db: Database): Promise<boolean> {
  const { rows } = await sql<{ is_settled: boolean }>`
    select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + position_offset > (select max(position) from item_changes)
      as is_settled
    from change_feed`.execute(db)
  return rows[0]?.is_settled ?? false
}

test('a follower gets each change, and resumes after its cursor', async (t: TestContext) => {
  const { client } = await openService(t)
  await client.items.create(tea)
  const [start] = await take(client.changes.follow({ since: 'beginning' }), 1)
  const item = await client.items.create(tea)
  await client.items.update(item.id, { price_usd: 5.25 })
  await client.items.remove(item.id)
  const events = await take(client.changes.follow({ since: start?.cursor ?? '', item: item.id }), 3)
  t.assert.deepStrictEqual(
    events.map(({ item_id: id, kind }) => [id, kind]),
    [
      [item.id, 'create'],
      [item.id, 'update'],
      [item.id, 'delete'],
    ],
  )
  t.assert.deepStrictEqual(await take(client.changes.follow({ since: events[0]?.cursor ?? '' }), 2), events.slice(1))
})

test('a follower that begins now gets only later changes', async (t: TestContext) => {
  const { client, context } = await openService(t)
  await client.items.create(tea)
  await until(() => isSettled(context.db))
  const first = take(client.changes.follow({ since: 'now' }), 1)
  const writing = new AbortController()
  void first.then(() => writing.abort())
  while (!writing.signal.aborted) await client.items.create({ ...tea, name: 'Later' })
  t.assert.deepStrictEqual(
    (await first).map(({ name }) => name),
    ['Later'],
  )
})

test('a follower whose connections break misses nothing', async (t: TestContext) => {
  const { client, app } = await openService(t)
  const copy = openCopy()
  const total = 60
  const writing = (async () => {
    for (let n = 0; n < total; n++) {
      await client.items.create({ ...tea, price_usd: n })
      if (n % 20 === 10) app.server.closeAllConnections()
    }
  })()
  for await (const event of client.changes.follow({ since: 'beginning' })) {
    copy.apply(event)
    if (copy.items.size === total) break
  }
  await writing
  t.assert.deepStrictEqual(copy.violations, [])
})

test('followers that disconnect early leave no place occupied', async (t: TestContext) => {
  const { client, stream, url, context } = await openService(t)
  const { token } = client
  const sent = `GET /changes/feed?since=now HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const disconnectSoon = (delay: number) =>
    new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
        socket.write(sent)
        setTimeout(() => socket.resetAndDestroy(), delay)
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
  for (let round = 0; round < 5; round++)
    await Promise.all(Array.from({ length: 400 }, (_, n) => disconnectSoon(n / 20)))
  // Until the service has noticed all ends, places are occupied, and connections are more than it keeps.
  const open = async () => {
    const opened = await stream('since=now').catch(() => undefined)
    return opened?.status === 200 ? opened : undefined
  }
  const opened = await Promise.all(Array.from({ length: 1_000 }, () => eventually(open, Boolean)))
  context.readiness.startDraining()
  for (const one of opened) t.assert.match((await one?.text) ?? '', /^retry/)
})

test('an event stream continues after Last-Event-ID, not at since', async (t: TestContext) => {
  const { client, stream, context } = await openService(t)
  await client.items.create(tea)
  await client.items.create(tea)
  await until(() => isSettled(context.db))
  const [first, second] = await take(client.changes.follow({ since: 'beginning' }), 2)
  const { status, text } = await stream('since=beginning', { 'last-event-id': first?.cursor ?? '' })
  context.readiness.startDraining()
  t.assert.strictEqual(status, 200)
  const ids = [...(await text).matchAll(/^id: (.*)$/gm)].map(([, id]) => id)
  t.assert.deepStrictEqual(ids, [second?.cursor])
})

test('an event stream ends soon after the logout of its token', async (t: TestContext) => {
  const { client, stream } = await openService(t)
  const { text } = await stream('since=now')
  await client.logOut()
  t.assert.match(await text, /^retry: \d+\n\n: .*\n\n$/)
})

test('an event stream ends when the service stops, with a hint', async (t: TestContext) => {
  const { stream, context } = await openService(t)
  const { text } = await stream('since=now')
  context.readiness.startDraining()
  t.assert.match(await text, /: The service is stopping\. Connect again\.\n\n$/)
})

test('an event stream that ends by itself leaves no place occupied', async (t: TestContext) => {
  const { client, stream, context } = await openService(t)
  const places = async () => (await seriesOf(context.metrics)).get(inUse)
  const { text } = await stream('since=now')
  t.assert.strictEqual(await places(), 1)
  await context.db.updateTable('change_feed').set({ feed_id: '00000000-0000-0000-0000-000000000000' }).execute()
  await client.items.create(tea)
  t.assert.match(await text, /: The cursor is no longer valid\..*\n\n$/)
  await until(async () => (await places()) === 0)
})

test('an event stream that cannot begin is a problem', async (t: TestContext) => {
  const { stream } = await openService(t)
  const { status, text } = await stream(`since=c.0123456789abcdef.1.${'0'.repeat(32)}.1`)
  t.assert.strictEqual(status, 410)
  t.assert.strictEqual(JSON.parse(await text).code, 'cursor_expired')
})

test('a Last-Event-ID that is no cursor is 422', async (t: TestContext) => {
  const { stream } = await openService(t)
  const { status, text } = await stream('since=now', { 'last-event-id': '7' })
  t.assert.strictEqual(status, 422)
  t.assert.deepStrictEqual(JSON.parse(await text).errors, [
    { type: 'string_pattern_mismatch', loc: ['header', 'last-event-id'], msg: 'must be the ID of an event' },
  ])
})

test('one manager has at most half of the places of followers', async (t: TestContext) => {
  const { stream, context } = await openService(t)
  const opened = await Promise.all(Array.from({ length: 1_000 }, () => stream('since=now')))
  const refused = await stream('since=now')
  t.assert.ok(opened.every(({ status }) => status === 200))
  t.assert.strictEqual(refused.status, 503)
  t.assert.strictEqual(JSON.parse(await refused.text).code, 'too_busy')
  context.readiness.startDraining()
  await Promise.all(opened.map(({ text }) => text))
})

test('a batch is in memory once for all who follow', (t: TestContext) => {
  const [one, two, three, four] = [1, 2, 3, 4].map((position) => place(position))
  const all = [one, two, three, four] as Placed[]
  t.assert.strictEqual(toBytes(all), toBytes([...all]))
  const filtered = [one, three, four] as Placed[]
  t.assert.deepStrictEqual(
    [
      ...toBytes(filtered)
        .toString()
        .matchAll(/"item_id":"(\d)"/g),
    ].map(([, id]) => id),
    ['1', '3', '4'],
  )
  t.assert.notStrictEqual(toBytes([one, two, four] as Placed[]), toBytes([one, three, four] as Placed[]))
  t.assert.strictEqual(toBytes([]).length, 0)
})

test('an event is written once, however many clients follow', (t: TestContext) => {
  let written = 0
  const placed = place(1, { item_id: 'a', toJSON: () => ++written })
  t.assert.strictEqual(toText(placed), toText(placed))
  t.assert.strictEqual(written, 1)
})

function place(position: number, event: object = { item_id: String(position) }): Placed {
  const item = '0190a6f2-7c1e-7b3a-9d5e-2f1c8e4b6a70'
  const cursor = { epoch: '00000000', phase: 'changes', position, item, version: 1 } as const
  return { event: event as Placed['event'], cursor }
}
