// What the document says of answers that several routes give.

import { exampleReport, nothingWritten } from '../items/import/schemas.ts'
import { exampleItem } from '../items/schemas.ts'
import { type Code, problems } from '../problems.ts'
import { ProblemDetails, ref } from './schemas.ts'

/** The header of each answer that is one item. */
export const entityTag = {
  ETag: { type: 'string', description: 'Another one for each version of the item (RFC 9110 §8.8)', examples: ['"1"'] },
}

/** The header of an answer that was given before. */
export const replayed = {
  'Idempotency-Replayed': { type: 'string', enum: ['true'], description: 'There if this was answered before' },
}

interface ErrorAnswer {
  code: Code
  description: string
  /** Members of the example beside those that every problem has. */
  example?: object
  headers?: object
}

const challenge = { 'WWW-Authenticate': { type: 'string', description: 'As in RFC 6750', examples: ['Bearer'] } }
const retryAfter = { 'Retry-After': { type: 'integer', description: 'Seconds', examples: [1] } }

/** What the answers of limited routes say of the limit (draft-ietf-httpapi-ratelimit-headers), unless it is lifted. */
export const rateLimit = {
  'RateLimit-Policy': {
    type: 'string',
    description: 'The limit: how many (`q`) in how many seconds (`w`)',
    examples: ['"login";q=100;w=900'],
  },
  RateLimit: {
    type: 'string',
    description: 'How many are left (`r`), and in how many seconds it begins anew (`t`)',
    examples: ['"login";r=99;t=900'],
  },
}

const errorAnswers = {
  400: { code: 'malformed_body', description: 'The body cannot be read' },
  401: {
    code: 'missing_token',
    description: 'The token is missing, invalid, expired or logged out',
    headers: challenge,
  },
  403: { code: 'not_owner', description: 'The item belongs to another manager' },
  wrongPassword: { code: 'wrong_password', description: 'The present password is wrong' },
  accountDisabled: {
    code: 'account_disabled',
    description: 'The account is disabled: only the operator can enable it',
    example: { error: 'invalid_grant', error_description: 'This account is disabled. Ask the operator.' },
    headers: challenge,
  },
  invalidResetCode: {
    code: 'invalid_reset_code',
    description:
      'The reset code is wrong, was used, or has expired, or a page of an origin that is not allowed sent this ' +
      '(`cross_site_request`)',
  },
  registrationClosed: {
    code: 'registration_closed',
    description:
      'Only operators register managers here, or a page of an origin that is not allowed sent this (`cross_site_request`)',
  },
  crossSite: {
    code: 'cross_site_request',
    description: 'A page of an origin that `CORS_ORIGINS` does not allow sent this',
  },
  404: { code: 'item_not_found', description: 'There is no such item' },
  409: { code: 'email_taken', description: 'The e-mail address is registered already' },
  takenOrInUse: {
    code: 'email_taken',
    description: 'The e-mail address is registered already, or a request with this `Idempotency-Key` is still running',
  },
  ownsItems: {
    code: 'manager_owns_items',
    description: 'The manager owns items: `items` says how many',
    example: { items: 3 },
  },
  keyInUse: {
    code: 'idempotency_key_in_use',
    description: 'A request with this `Idempotency-Key` is still running',
    headers: retryAfter,
  },
  412: {
    code: 'precondition_failed',
    description: 'The item is of another version than `If-Match` names: `current` is what it is now',
    example: { current: exampleItem },
    headers: entityTag,
  },
  413: { code: 'body_too_large', description: 'The body is larger than 64 KiB' },
  415: { code: 'unsupported_media_type', description: 'The body is of another media type' },
  422: {
    code: 'invalid_request',
    description: 'The request does not fit: `errors` lists every reason',
    example: { errors: [{ type: 'missing', loc: ['body', 'name'], msg: 'is required' }] },
  },
  invalidOrReused: {
    code: 'invalid_request',
    description:
      'The request does not fit: `errors` lists every reason. Or this `Idempotency-Key` came with another body before',
    example: { errors: [{ type: 'missing', loc: ['body', 'name'], msg: 'is required' }] },
  },
  408: { code: 'request_timeout', description: 'Nothing more of the body came for too long' },
  importTooLarge: { code: 'body_too_large', description: 'The body is larger than `IMPORT_LIMIT`' },
  importFailed: {
    code: 'import_failed',
    description:
      'Nothing was written: rows are bad, of which `errors` lists the first 1,000, or the file cannot be read. ' +
      'Or a parameter does not fit (`invalid_request`)',
    example: { ...exampleReport, ...nothingWritten },
  },
  428: { code: 'precondition_required', description: '`If-Match` is missing, and the service requires it' },
  429: {
    code: 'too_many_logins',
    description: 'Too many logins have failed, from this address or for this account',
    headers: { ...retryAfter, ...rateLimit },
  },
  tooManyRegistrations: {
    code: 'too_many_registrations',
    description: 'Too many registrations from this address',
    headers: { ...retryAfter, ...rateLimit },
  },
  503: {
    code: 'store_unavailable',
    description: 'A store that is needed is down, or there is too much to do',
    headers: retryAfter,
  },
  wrongCredentials: {
    code: 'invalid_credentials',
    description: 'The e-mail address or the password is wrong, or the account is disabled (`account_disabled`)',
    example: {
      detail: 'The e-mail address or the password is wrong.',
      error: 'invalid_grant',
      error_description: 'The e-mail address or the password is wrong.',
    },
    headers: { ...challenge, ...rateLimit },
  },
} satisfies Record<string, ErrorAnswer>

/** The error answers of a route, for its response schema. They are typed as nothing, for no handler returns one. */
export function errors(...names: (keyof typeof errorAnswers)[]): object {
  return Object.fromEntries(names.map((name) => describe(errorAnswers[name])))
}

function describe({ code, description: detail, example, headers }: ErrorAnswer): [status: number, answer: object] {
  const [status, title] = problems[code]
  const value = {
    type: `/problems/${code}`,
    title,
    status,
    detail: `${detail.replaceAll('`', '')}.`,
    code,
    request_id: '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70',
    ...example,
  }
  const content = { 'application/problem+json': { schema: ref(ProblemDetails), example: value } }
  return [status, { description: detail, content, ...(headers && { headers }) }]
}
