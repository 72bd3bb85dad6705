import { openSemaphore } from '../../concurrency/semaphore.ts'
import type { Context } from '../../context.ts'
import { disconnectionOf } from '../../http/disconnection.ts'
import { logEvent } from '../../http/security-events.ts'
import type { App } from '../../http/types.ts'
import { Category } from '../../items/schemas.ts'
import { watchSemaphore } from '../../observability/metrics/watch.ts'
import { validationFailed } from '../../problems.ts'
import { undoChange } from './operations.ts'
import { UndoConflict, UndoQuery, UndoReport } from './schemas.ts'
import { undo } from './undo.ts'

/** Undos at a time, each with a connection; one manager holds half of them at most. Times are in milliseconds. */
const undoGate = { permits: 2, maxQueue: 64, timeout: 30_000, share: 0.5 }

export function undoRoutes(app: App, context: Context): void {
  for (const schema of [Category, UndoConflict, UndoReport]) app.addSchema(schema)
  const { db, pool, idempotency, config, metrics } = context
  const gate = watchSemaphore(metrics, 'undo', openSemaphore(undoGate))
  const undoer = { db, pool, gate, idempotency, isShared: config.itemWrites === 'shared' }

  app.post('/changes/:id/undo', { schema: undoChange }, async (request, reply) => {
    const { params, query, token, id: requestId, headers } = request
    refuseMembers(request.body)
    const { response: report, isReplayed } = await undo(undoer, {
      id: params.id.toLowerCase(),
      token,
      requestId,
      key: headers['idempotency-key'],
      query,
      signal: disconnectionOf(reply),
    })
    const { change, created, updated, deleted } = report
    if (isReplayed) reply.header('idempotency-replayed', 'true')
    else if (change !== null) {
      const { id: undoId, undoes } = change
      logEvent(request, 'changes_undone', { change: undoId, undoes, created, updated, deleted })
    }
    return report
  })
}

/** A dry run that is asked for in a body would undo. */
function refuseMembers(body: unknown): void {
  const names = typeof body === 'object' && body !== null ? Object.keys(body) : []
  const misplaced = names.filter((name) => Object.hasOwn(UndoQuery.properties, name))
  const msg = 'is a parameter of the query'
  if (misplaced.length > 0) {
    throw validationFailed(misplaced.map((name) => ({ type: 'extra_forbidden', loc: ['body', name], msg })))
  }
}
