import { userInfo } from 'node:os'

import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'

import type { Code, Problem } from '../problems.ts'
import { canonicalAddress } from './client-address.ts'

/** A closed list, described in docs/reference/logs.md. */
export type SecurityEvent =
  | 'login_succeeded'
  | 'login_failed'
  | 'login_limited'
  | 'disabled_account_refused'
  | 'logged_out'
  | 'logged_out_everywhere'
  | 'sessions_ended'
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
  | 'items_changed_in_bulk'
  | 'items_exported'
  | 'items_transferred'
  | 'changes_undone'

const longestAgent = 200

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
  not_same_origin: 'cross_site_request_refused',
  misdirected_request: 'host_refused',
}

/** `about` must not contain a password, a token, or text of a client. */
export function logEvent(
  request: FastifyRequest,
  event: SecurityEvent,
  { manager = request.token?.sub, ...about }: { manager?: string | undefined; [field: string]: unknown } = {},
): void {
  const { id: reqId, headers } = request
  const agent = headers['user-agent']?.replaceAll(/[^ -~]/g, '?').slice(0, longestAgent)
  request.server.requestMetrics.events(event).add()
  request.log.info({ event, reqId, manager, address: canonicalAddress(request.ip), agent, ...about }, 'security event')
}

export function logOperation(
  log: Logger,
  event: SecurityEvent,
  about: { manager?: string; [field: string]: unknown },
): void {
  log.info({ event, operator: currentUser(), ...about }, 'security event')
}

/** In some containers the user has no name. */
function currentUser(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.())
  }
}

export function logRefusal(request: FastifyRequest, { code, message, manager }: Problem): void {
  const event = eventOf[code]
  if (event !== undefined) logEvent(request, event, { reason: message, ...(manager !== undefined && { manager }) })
}
