import { openSemaphore } from '../../concurrency/semaphore.ts'
import type { Context } from '../../context.ts'
import { disconnectionOf } from '../../http/disconnection.ts'
import { logEvent } from '../../http/security-events.ts'
import type { App } from '../../http/types.ts'
import { watchSemaphore } from '../../observability/metrics/watch.ts'
import { changeItems } from '../operations.ts'
import { changeInBulk } from './bulk.ts'

/** Each holds a connection, and its items until it commits. One manager gets half of the permits. Times are in milliseconds. */
const bulkSemaphore = { permits: 2, maxQueue: 16, timeout: 10_000, share: 0.5 }

/** Room for 10,000 IDs, one per line. */
const bodyLimit = 1024 * 1024

export function bulkRoutes(app: App, { db, pool, idempotency, config, metrics }: Context): void {
  const editor = {
    db,
    pool,
    idempotency,
    semaphore: watchSemaphore(metrics, 'bulk', openSemaphore(bulkSemaphore)),
    isShared: config.itemWrites === 'shared',
    needsCount: config.requireIfMatch,
  }

  app.post('/bulk', { schema: changeItems, bodyLimit }, async (request, reply) => {
    const { token, id: requestId, body, query, headers } = request
    const { response: report, isReplayed } = await changeInBulk(editor, {
      token,
      requestId,
      key: headers['idempotency-key'],
      body,
      isDry: query.dry_run ?? false,
      signal: disconnectionOf(reply),
    })
    const { change } = report
    if (isReplayed) reply.header('idempotency-replayed', 'true')
    else if (change) logEvent(request, 'items_changed_in_bulk', { updated: change.updated, deleted: change.deleted })
    return report
  })
}
