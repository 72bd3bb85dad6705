import { Readable } from 'node:stream'

import type { Semaphore } from '../../concurrency/semaphore.ts'
import type { Database } from '../../database/database.ts'
import { disconnectionOf } from '../../http/disconnection.ts'
import { writeJson } from '../../http/serialization.ts'
import type { App } from '../../http/types.ts'
import { operation, signedIn } from '../../openapi/document.ts'
import { authenticated, problemResponses, unavailable } from '../../openapi/responses.ts'
import { ref } from '../../openapi/schemas.ts'
import type { StreamSource } from '../export/copy-stream.ts'
import { listing } from '../export/stream-all.ts'
import { ItemSummary, ListQuery, pageHeaders, SummaryQuery } from '../query/schemas.ts'
import { Items } from '../schemas.ts'
import { links } from './links.ts'
import { listPage } from './page.ts'
import type { PageReader } from './scan-budget.ts'
import { summarize } from './summary.ts'

/** What lists, summaries and exports need. */
export interface Source extends StreamSource {
  db: Database
  readPage: PageReader
  /** For what takes the longer the more items there are. */
  counts: Semaphore
}

export function listingRoutes(app: App, source: Source): void {
  const { db, pool, counts } = source

  app.get(
    '',
    {
      schema: {
        ...operation('listItems', 'Items', 'List every item, or a page of some'),
        description:
          'Without parameters, or with `expand` alone, every item there is, the oldest first, in one long answer. With any ' +
          'other of them one page. For the next one, send the same parameters again with `after` set to `X-Next-After` of ' +
          'the response, or follow the `Link` whose `rel` is `next`; the last page has neither. While others write, no ' +
          'item comes twice, and none that was there throughout is missed, unless what it is sorted by is changed.',
        security: signedIn,
        querystring: ListQuery,
        response: {
          200: { ...ref(Items), description: 'The items', headers: pageHeaders },
          ...problemResponses([...authenticated, 'invalid_request', ...unavailable]),
        },
      },
    },
    async (request, reply) => {
      const { expand, ...rest } = request.query
      const reader = { me: request.token.sub, signal: disconnectionOf(reply) }
      reply.type('application/json; charset=utf-8')
      if (Object.keys(rest).length === 0) {
        return request.method === 'HEAD' ? Readable.from([]) : listing(source, expand !== undefined, reader)
      }
      const { items, next, total } = await listPage(source, request.query, reader)
      reply.header('link', links(request.query, next))
      if (next !== undefined) reply.header('x-next-after', next)
      if (total !== undefined) reply.header('x-total-count', total)
      return items
    },
  )

  app.get(
    '/summary',
    {
      schema: {
        ...operation('summarizeItems', 'Items', 'Count items and sum them up'),
        description: 'By category, and by price. Of all items, or of those that the parameters say.',
        security: signedIn,
        querystring: SummaryQuery,
        response: {
          200: { ...ref(ItemSummary), description: 'The summary' },
          ...problemResponses([...authenticated, 'invalid_request', ...unavailable]),
        },
      },
    },
    async (request, reply) => {
      const me = request.token.sub
      const summary = await counts.run(() => summarize(db, pool, request.query, me), me, disconnectionOf(reply))
      // The serialiser of the schema would make a float of the sum.
      reply.type('application/json; charset=utf-8').serializer(writeJson)
      return summary
    },
  )
}
