import { Readable } from 'node:stream'

import type { Semaphore } from '../../concurrency/semaphore.ts'
import type { Database } from '../../database/database.ts'
import { disconnectionOf } from '../../http/disconnection.ts'
import { writeJson } from '../../http/serialization.ts'
import type { App } from '../../http/types.ts'
import type { Counter } from '../../observability/metrics/metrics.ts'
import type { StreamSource } from '../export/copy-stream.ts'
import { listing } from '../export/stream-all.ts'
import { listItems, summarizeItems } from '../operations.ts'
import { links } from './links.ts'
import { listPage } from './page.ts'
import type { PageReader } from './scan-budget.ts'
import { summarize } from './summary.ts'

export interface Source extends StreamSource {
  db: Database
  readPage: PageReader
  counts: Semaphore
  sent: Record<'list' | 'export', Counter>
}

export function listingRoutes(app: App, source: Source): void {
  const { db, pool, counts } = source

  app.get('', { schema: listItems }, async (request, reply) => {
    const { expand = [], ...rest } = request.query
    const reader = { me: request.token.sub, signal: disconnectionOf(reply), sent: source.sent.list }
    reply.type('application/json; charset=utf-8')
    if (Object.keys(rest).length === 0) {
      return request.method === 'HEAD' ? Readable.from([]) : listing(source, expand, reader)
    }
    const { items, next, total } = await listPage(source, request.query, reader)
    reply.header('link', links(`${request.rootPath}/items`, request.query, next))
    if (next !== undefined) reply.header('x-next-after', next)
    if (total !== undefined) reply.header('x-total-count', total)
    return items
  })

  app.get('/summary', { schema: summarizeItems }, async (request, reply) => {
    const me = request.token.sub
    const summary = await counts.run(() => summarize(db, pool, request.query, me), me, disconnectionOf(reply))
    // The serializer of the schema would make a float of the sum.
    reply.type('application/json; charset=utf-8').serializer(writeJson)
    return summary
  })
}
