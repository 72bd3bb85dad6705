import { Readable } from 'node:stream'

import { authenticate } from '../../auth/authenticate.ts'
import { staleAfterMs } from '../../auth/token-check.ts'
import { openSemaphore } from '../../concurrency/semaphore.ts'
import type { Context } from '../../context.ts'
import { disconnectionOf } from '../../http/disconnection.ts'
import type { App } from '../../http/types.ts'
import { watchSemaphore } from '../../observability/metrics/watch.ts'
import { validationFailed } from '../../problems.ts'
import { followChanges } from '../operations.ts'
import { ChangeSet, defaultLimit } from '../schemas.ts'
import { type Cursor, decodeCursor, encodeCursor } from './cursor.ts'
import { batchSize, eventStream } from './event-stream.ts'
import { type Feed, openFeed } from './feed.ts'
import { openFollowers } from './followers.ts'
import { FeedEvent, FeedEvents, type FeedQuery } from './schemas.ts'

/** Requests of one process that may wait for changes. */
export const maxFollowers = 2_000

/** One manager has at most half of the permits. */
const followerLimits = { permits: maxFollowers, maxQueue: 0, timeout: 0, share: 0.5 }

export function feedRoutes(app: App, context: Context): void {
  for (const schema of [ChangeSet, FeedEvent, FeedEvents]) app.addSchema(schema)
  const { db, pool, metrics, checkToken } = context
  const { draining } = context.readiness
  const semaphore = watchSemaphore(metrics, 'feed_followers', openSemaphore(followerLimits))
  const followers = openFollowers(context)
  const feed = openFeed(db, pool.engine, metrics)
  authenticate(app, context)

  app.get('/changes/feed', { schema: followChanges }, async (request, reply) => {
    const { query, headers, token, method, rootPath } = request
    draining.throwIfAborted()
    reply.header('cache-control', 'private, no-cache')
    using place = new DisposableStack()
    const { controller } = place.use(followers.join(token))
    const signal = disconnectionOf(reply, controller)
    place.use(await semaphore.acquire(token.sub, signal))
    const reader = { me: token.sub, signal }
    const cursor = await startOf(feed, query, headers['last-event-id'])
    if (method === 'HEAD') return reply.type('application/json').send(Readable.from([]))
    const { wait = 0, limit = defaultLimit, manager, kind, item } = query
    const filters = { manager, kind, item }
    if (acceptsEvents(headers.accept)) {
      const first = await feed.read(cursor, { ...filters, limit: batchSize }, reader)
      signal.throwIfAborted()
      const held = place.move()
      signal.addEventListener('abort', () => held.dispose())
      reply.type('text/event-stream; charset=utf-8').header('x-accel-buffering', 'no')
      return reply.send(eventStream(feed, first, filters, reader))
    }
    const { events, cursor: next } = await feed.poll(cursor, { ...filters, limit, wait }, reader)
    if (reply.elapsedTime >= staleAfterMs) await checkToken(token)
    reply.header('link', nextLink(rootPath, query, next)).header('x-next-after', encodeCursor(next))
    return reply.type('application/json; charset=utf-8').send(events.map(({ event }) => event))
  })
}

async function startOf(feed: Feed, { since, ...query }: FeedQuery, lastEventId = ''): Promise<Cursor> {
  const start = lastEventId || since
  if (start === 'now') return feed.current()
  if (start !== 'beginning') return decodeCursor(start)
  const filter = (['manager', 'kind', 'item'] as const).find((name) => query[name] !== undefined)
  if (filter !== undefined) throw invalid(filter, 'cannot be combined with since=beginning: remove it')
  return feed.first()
}

function invalid(name: string, msg: string) {
  return validationFailed([{ type: 'value_error', loc: ['query', name], msg }])
}

function acceptsEvents(accept = ''): boolean {
  return /(?:^|,)\s*text\/event-stream\b/i.test(accept)
}

function nextLink(rootPath: string, query: FeedQuery, next: Cursor): string {
  const all = Object.entries({ ...query, since: encodeCursor(next) })
  const parameters = new URLSearchParams(all.map(([name, value]): [string, string] => [name, String(value)]))
  return `<${rootPath}/changes/feed?${parameters.toString()}>; rel="next"`
}
