import { DatabaseError } from 'pg'

import { type Problem, tooBusy } from '../problems.ts'

// retry: rolled back, and may succeed the next time. renew: rejected before it ran; needs a new connection. busy: rolled back;
// 503 too_busy. unavailable: 503 store_unavailable, and the connection is closed. bug: 500, unless the caller knows better.
export type Decision = 'retry' | 'renew' | 'busy' | 'unavailable' | 'bug'

/** Decides by SQLSTATE, as in docs/reference/sqlstates.md. Errors that are not from PostgreSQL are about the connection. */
export function decide(error: unknown): Decision {
  if (!(error instanceof DatabaseError)) return error instanceof TypeError ? 'bug' : 'unavailable'
  const { code = '', routine } = error
  // The routine, because the message "cached plan must not change result type" is localized.
  if (code === '0A000' && routine === 'RevalidateCachedQuery') return 'renew'
  // Only PostgreSQL itself names a routine; a pooler that cannot serve does not.
  if (code === '08P01' && routine !== undefined) return 'bug'
  return ofState[code] ?? ofClass[code.slice(0, 2)] ?? 'bug'
}

export function isUnavailable(error: unknown): boolean {
  return ['unavailable', 'renew', 'busy'].includes(decide(error))
}

export function isCanceled(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '57014'
}

/** The session lacks a prepared statement, or has another one of that name. */
export function isAboutPreparedStatement(error: unknown): boolean {
  return error instanceof DatabaseError && ['26000', '42P05'].includes(error.code ?? '')
}

export function busy(error: unknown): Problem {
  const { code = '' } = error as DatabaseError
  const problem = tooBusy(`${reasons[code] ?? 'Other requests were writing the same data.'} ${advice}`, 1)
  return Object.assign(problem, { cause: error })
}

const ofClass: Record<string, Decision> = {
  '08': 'unavailable',
  40: 'retry',
  53: 'unavailable',
  57: 'unavailable',
  58: 'unavailable',
}

const ofState: Record<string, Decision> = {
  25006: 'unavailable',
  '25P03': 'unavailable',
  '25P04': 'unavailable',
  26000: 'renew',
  40002: 'bug',
  40003: 'unavailable',
  '42P05': 'renew',
  55006: 'busy',
  '55P03': 'busy',
  57014: 'busy',
}

const advice = 'Nothing was changed. Try again.'
const reasons: Record<string, string> = {
  55006: 'An administrator is working on the database.',
  '55P03': 'Another request is still writing the same data.',
  57014: 'The statement timed out. If that happens again, request less at a time.',
}
