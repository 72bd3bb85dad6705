import { userInfo } from 'node:os'

import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'

import type { Code, Problem } from '../problems.ts'
import { canonicalAddress } from './client-address.ts'

/** What happened, for operators to watch: a closed list, described in docs/reference/logs.md. */
export type SecurityEvent =
  | 'login_succeeded'
  | 'login_failed'
  | 'login_limited'
  | 'disabled_account_refused'
  | 'logged_out'
  | 'logged_out_everywhere'
  | 'account_registered'
  | 'registration_refused'
  | 'registration_limited'
  | 'name_changed'
  | 'email_changed'
  | 'password_changed'
  | 'password_refused'
  | 'password_reset'
  | 'reset_code_issued'
  | 'reset_code_refused'
  | 'account_deleted'
  | 'account_disabled'
  | 'account_enabled'
  | 'token_missing'
  | 'token_refused'
  | 'authorization_denied'
  | 'cross_site_request_refused'
  | 'host_refused'
  | 'items_imported'
  | 'items_exported'
  | 'items_transferred'

/** Characters of a user agent that are logged. */
const longestAgent = 200

/** The events that problems are. */
const eventOf: Partial<Record<Code, SecurityEvent>> = {
  invalid_credentials: 'login_failed',
  too_many_logins: 'login_limited',
  account_disabled: 'disabled_account_refused',
  registration_closed: 'registration_refused',
  too_many_registrations: 'registration_limited',
  wrong_password: 'password_refused',
  invalid_reset_code: 'reset_code_refused',
  missing_token: 'token_missing',
  invalid_token: 'token_refused',
  not_owner: 'authorization_denied',
  cross_site_request: 'cross_site_request_refused',
  misdirected_request: 'host_refused',
}

/**
 * Writes a line of its own about what a request did or tried.
 *
 * @param manager the ID of the manager whom it is about, if that is not the one of its token
 * @param about further fields: never a password, a token, or what a client wrote
 */
export function logEvent(
  request: FastifyRequest,
  event: SecurityEvent,
  { manager = request.token?.sub, ...about }: { manager?: string | undefined; [field: string]: unknown } = {},
): void {
  const { id: reqId, headers } = request
  const agent = headers['user-agent']?.replaceAll(/[^ -~]/g, '?').slice(0, longestAgent)
  request.log.info({ event, reqId, manager, address: canonicalAddress(request.ip), agent, ...about }, 'security event')
}

/** Writes a line about what an operator did with a command. @param about as for `logEvent` */
export function logOperation(
  log: Logger,
  event: SecurityEvent,
  about: { manager: string; [field: string]: unknown },
): void {
  log.info({ event, operator: currentUser(), ...about }, 'security event')
}

/** The name of the user who runs this process, or the number of one without a name, as in some containers. */
function currentUser(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.())
  }
}

/** Writes a line about a request that was refused, if that is a security event. */
export function logRefusal(request: FastifyRequest, { code, message, manager }: Problem): void {
  const event = eventOf[code]
  if (event !== undefined) logEvent(request, event, { reason: message, ...(manager !== undefined && { manager }) })
}
