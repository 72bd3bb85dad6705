import { Readable } from 'node:stream'

import { acceptsGzip, varyByEncoding } from '../../http/compression.ts'
import { disconnectionOf } from '../../http/disconnection.ts'
import { logEvent } from '../../http/security-events.ts'
import type { App } from '../../http/types.ts'
import type { Readiness } from '../../lifecycle/readiness.ts'
import type { Source } from '../list/routes.ts'
import * as operations from '../operations.ts'
import { gzip } from './compression.ts'
import { exportItems } from './export.ts'
import { formats } from './schemas.ts'

export function exportRoutes(app: App, source: Source, { draining }: Pick<Readiness, 'draining'>): void {
  app.get('/export', { schema: operations.exportItems }, async (request, reply) => {
    draining.throwIfAborted()
    const { format = 'csv' } = request.query
    const onEnd = (count: number | undefined) =>
      logEvent(request, 'items_exported', { format, items: count, complete: count !== undefined })
    const reader = { me: request.token.sub, signal: disconnectionOf(reply), sent: source.sent.export, onEnd }
    const items = exportItems(source, request.query, reader)
    const isCompressed = acceptsGzip(request.headers['accept-encoding'])
    const date = new Date().toISOString().slice(0, 10)
    varyByEncoding(reply)
    reply.type(formats[format]).headers({
      'content-disposition': `attachment; filename="items-${date}.${format}"`,
      ...(isCompressed && { 'content-encoding': 'gzip' }),
    })
    if (request.method === 'HEAD') return reply.send(Readable.from([]))
    return reply.send(isCompressed ? gzip(items) : items)
  })
}
