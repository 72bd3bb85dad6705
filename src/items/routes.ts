import type { FastifyRequest } from 'fastify'

import { authenticate, authenticateCheckedReads, authenticateWrites } from '../auth/authenticate.ts'
import { endResponsesWithToken } from '../auth/late-responses.ts'
import { ChangeSet, ItemChange } from '../changes/schemas.ts'
import { openSemaphore } from '../concurrency/semaphore.ts'
import type { Context } from '../context.ts'
import type { App } from '../http/types.ts'
import { watchSemaphore } from '../observability/metrics/watch.ts'
import { bulkRoutes } from './bulk/routes.ts'
import { BulkReport, BulkRequest } from './bulk/schemas.ts'
import { itemCreator } from './creation.ts'
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
import { Category, expansions, Item, ItemCreate, ItemOwner, Items, ItemUpdate } from './schemas.ts'

// Lists and exports hold a connection for as long as their reader takes. Searches, counts, summaries, and slow pages each keep
// a core of PostgreSQL busy, so one manager has one of them at a time. Times are in milliseconds.
const streamGate = { permits: 4, maxQueue: 64, timeout: 3_000, share: 0.5 }
const countGate = { ...streamGate, share: 0.25 }
const pageGate = { permits: 8, maxQueue: 512, timeout: 3_000, share: 0.5 }

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
  BulkRequest,
  BulkReport,
  ChangeSet,
  ItemChange,
]

export function itemRoutes(app: App, context: Context, activeRequests: () => number): void {
  for (const schema of components) app.addSchema(schema)
  const { db, pool, metrics } = context
  const gate = watchSemaphore(metrics, 'streams', openSemaphore(streamGate))
  const counts = watchSemaphore(metrics, 'counts', openSemaphore(countGate))
  const pages = watchSemaphore(metrics, 'pages', openSemaphore(pageGate))
  const readPage = openPages({ pool, counts, pages })
  const sentBy = (stream: string) =>
    metrics.counter('stockroom_stream_bytes_total', 'Bytes of lists and exports, before compression.', { stream })
  const sent = { list: sentBy('list'), export: sentBy('export') }
  const source = { db, pool, gate, counts, readPage, sent, isBusy: () => activeRequests() > gate.inUse() }
  const read = items.itemReader(context)
  app.addHook('onRequest', (_request, reply, done) => {
    // A cached response is revalidated with its ETag, which checks the token again.
    reply.header('cache-control', 'private, no-cache')
    done()
  })
  app.register(async (scope: App) => {
    authenticate(scope, context)
    endResponsesWithToken(scope, context)
    listingRoutes(scope, source)
    exportRoutes(scope, source, context.readiness)
    bulkRoutes(scope, context)
    scope.register(async (inner: App) => importRoutes(inner, context, activeRequests))
  })
  app.register(async (scope: App) => getItemRoute(scope, context))
  app.register(async (scope: App) => writeRoutes(scope, context, read))
}

function getItemRoute(app: App, context: Context): void {
  authenticateCheckedReads(app, context)
  const read = items.checkedItemReader(context)
  const readExpanded = items.checkedItemReader(context, expansions)

  app.get('/:id', { schema: getItem }, async (request, reply) => {
    const { query, params, token, headers } = request
    const { expand } = query
    const stored = await (expand === undefined ? read : readExpanded)(token, params.id.toLowerCase())
    request.pendingTokenCheck = undefined
    if (stored === undefined) throw items.itemNotFound()
    const item = items.toItem(stored, expand)
    const tag = etagOf(stored, item.store_manager)
    reply.header('etag', tag)
    return matchesEtag(headers['if-none-match'], tag) ? reply.code(304).send(undefined) : item
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
  const create = itemCreator(context)
  const update = itemUpdater(context, read)
  const remove = itemRemover(context, read)

  app.post('', { schema: createItem }, async (request, reply) => {
    const key = request.headers['idempotency-key']
    const { response: item, isReplayed } = await create(
      { token: request.token, requestId: request.id },
      request.body,
      key,
    )
    if (isReplayed) reply.header('idempotency-replayed', 'true')
    return reply
      .code(201)
      .headers({ location: `${request.rootPath}/items/${item.id}`, etag: etagOf(item) })
      .send(items.toItem(item))
  })

  app.patch('/:id', { schema: updateItem }, async (request, reply) => {
    const item = await update(request.params.id, request.body, condition(request))
    return reply.header('etag', etagOf(item)).send(items.toItem(item))
  })

  app.delete('/:id', { schema: deleteItem }, async (request, reply) => {
    await remove(request.params.id, condition(request))
    return reply.code(204).send(null)
  })
}
