import type { FastifyRequest } from 'fastify'

import { authenticate, authenticateReadsByKey, authenticateWrites } from '../auth/authenticate.ts'
import { endResponsesWithToken } from '../auth/late-responses.ts'
import { openSemaphore } from '../concurrency/semaphore.ts'
import type { Context } from '../context.ts'
import type { App } from '../http/types.ts'
import { parseIfMatch, etagOf, matchesEtag } from './etags.ts'
import { exportRoutes } from './export/routes.ts'
import { importRoutes } from './import/routes.ts'
import { ImportChange, ImportReport } from './import/schemas.ts'
import * as items from './items.ts'
import type { ItemReader } from './items.ts'
import { listingRoutes } from './list/routes.ts'
import { openPages } from './list/scan-budget.ts'
import { type Condition, itemRemover, itemUpdater } from './mutations.ts'
import { createItem, deleteItem, getItem, updateItem } from './operations.ts'
import { ItemSummary, ItemTotals, PriceRange } from './query/schemas.ts'
import { Category, Item, ItemCreate, ItemOwner, Items, ItemUpdate } from './schemas.ts'

/**
 * Lists and exports hold a connection for as long as their reader takes; searches, counts, summaries and slow pages, PostgreSQL.
 * One manager has at most half of the places. Times are in milliseconds.
 */
const share = 0.5
const slowGate = { permits: 4, maxQueue: 64, timeout: 3_000, share }
const pageGate = { permits: 8, maxQueue: 512, timeout: 3_000, share }

/** The components of the OpenAPI document that items need. */
const components = [
  Category,
  Item,
  Items,
  ItemCreate,
  ItemUpdate,
  ItemOwner,
  ItemSummary,
  ItemTotals,
  PriceRange,
  ImportReport,
  ImportChange,
]

/** @param atWork tells how many requests are */
export function itemRoutes(app: App, context: Context, atWork: () => number): void {
  for (const schema of components) app.addSchema(schema)
  const { db, pool } = context
  const gate = openSemaphore(slowGate)
  const counts = openSemaphore(slowGate)
  const readPage = openPages({ pool, counts, pages: openSemaphore(pageGate) })
  const source = { db, pool, gate, counts, readPage, isBusy: () => atWork() > gate.inUse() }
  const read = items.itemReader(db)
  app.addHook('onRequest', (_request, reply, done) => {
    // A cached response is revalidated with its ETag, which checks the token again.
    reply.header('cache-control', 'private, no-cache')
    done()
  })
  app.register(async (scope: App) => {
    authenticate(scope, context)
    endResponsesWithToken(scope, context)
    listingRoutes(scope, source)
    exportRoutes(scope, source)
    scope.register(async (inner: App) => importRoutes(inner, context, atWork))
  })
  app.register(async (scope: App) => getItemRoute(scope, context, read))
  app.register(async (scope: App) => writeRoutes(scope, context, read))
}

function getItemRoute(app: App, context: Context, read: ItemReader): void {
  authenticateReadsByKey(app, context)
  const readWithOwner = items.itemReader(context.db, true)

  app.get('/:id', { schema: getItem }, async (request, reply) => {
    const item = await items.get(request.query.expand === undefined ? read : readWithOwner, request.params.id)
    // An invalid token learns nothing about the item, not even its ETag.
    await request.pendingTokenCheck?.()
    const tag = etagOf(item)
    reply.header('etag', tag)
    return matchesEtag(request.headers['if-none-match'], tag) ? reply.code(304).send(undefined) : item
  })
}

function writeRoutes(app: App, context: Context, read: ItemReader): void {
  authenticateWrites(app, context)
  const { config } = context
  const condition = ({ token, id: requestId, headers }: FastifyRequest): Condition => ({
    token,
    requestId,
    isOwnersOnly: config.itemWrites === 'owner',
    versions: parseIfMatch(headers['if-match'], config.requireIfMatch),
  })
  const create = items.itemCreator(context)
  const update = itemUpdater(context.db, read)
  const remove = itemRemover(context.db, read)

  app.post('', { schema: createItem }, async (request, reply) => {
    const key = request.headers['idempotency-key']
    const { answer: item, isReplayed } = await create(
      { token: request.token, requestId: request.id },
      request.body,
      key,
    )
    if (isReplayed) reply.header('idempotency-replayed', 'true')
    return reply
      .code(201)
      .headers({ location: `/items/${item.id}`, etag: etagOf(item) })
      .send(item)
  })

  app.patch('/:id', { schema: updateItem }, async (request, reply) => {
    const item = await update(request.params.id, request.body, condition(request))
    return reply.header('etag', etagOf(item)).send(item)
  })

  app.delete('/:id', { schema: deleteItem }, async (request, reply) => {
    await remove(request.params.id, condition(request))
    return reply.code(204).send(null)
  })
}
