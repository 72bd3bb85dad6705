import { ConnectionError, StockroomError } from './api.ts'
import { text } from './text/text.ts'

/** What a failed request means, in a sentence for the place where it happened. */
export function explain(error: unknown): string {
  const { shell } = text
  if (error instanceof ConnectionError) return shell.unreachable
  if (!(error instanceof StockroomError)) return shell.broken
  if (error.code === 'not_owner') return shell.forbidden
  if (error.code === 'item_not_found') return shell.gone
  if (error.code === 'precondition_failed') return shell.changedMeanwhile
  if (error.code === 'undo_conflict') return shell.undoConflict(error.problem?.conflicting ?? 1)
  if (error.status === 429) return shell.throttled(Math.ceil(error.retryAfter ?? 1))
  if (error.status >= 502) return shell.busy
  if (error.status >= 500) return `${shell.broken} ${shell.requestId(error.requestId ?? '')}`.trim()
  return shell.refused
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
