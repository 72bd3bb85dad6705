import { type Code, problems } from '../problems.ts'
import { descriptions } from './problem-descriptions.ts'
import { exampleId, ProblemDetails, ref } from './schemas.ts'

export const etagHeader = {
  ETag: { type: 'string', description: 'The version of the item (RFC 9110 §8.8)', examples: ['"1"'] },
}

export const replayed = {
  'Idempotency-Replayed': { type: 'string', enum: ['true'], description: 'Present if the response is a replay' },
}

const challenge = { 'WWW-Authenticate': { type: 'string', description: 'As in RFC 6750', examples: ['Bearer'] } }
const retryAfter = { 'Retry-After': { type: 'integer', description: 'Seconds', examples: [1] } }

export const rateLimit = {
  'RateLimit-Policy': {
    type: 'string',
    description: 'The limit: `q` requests in a window of `w` seconds',
    examples: ['"login";q=100;w=900'],
  },
  RateLimit: {
    type: 'string',
    description: 'Requests left in the window (`r`), which resets in `t` seconds',
    examples: ['"login";r=99;t=900'],
  },
}

export const authenticated: Code[] = ['missing_token', 'invalid_token']
export const withBody: Code[] = ['malformed_body', 'body_too_large', 'unsupported_media_type', 'invalid_request']
export const keyProblems: Code[] = ['idempotency_key_in_use', 'idempotency_key_reused']
export const unavailable: Code[] = ['store_unavailable', 'too_busy']

const headers: Partial<Record<Code, object>> = {
  missing_token: challenge,
  invalid_token: challenge,
  account_disabled: challenge,
  invalid_credentials: { ...challenge, ...rateLimit },
  idempotency_key_in_use: retryAfter,
  precondition_failed: etagHeader,
  too_many_logins: { ...retryAfter, ...rateLimit },
  too_many_registrations: { ...retryAfter, ...rateLimit },
  too_busy: retryAfter,
  store_unavailable: retryAfter,
}

const members: Partial<Record<Code, object>> = {
  account_disabled: { error: 'invalid_grant', error_description: 'This account is disabled. Ask the operator.' },
  invalid_credentials: { error: 'invalid_grant', error_description: 'The email address or the password is wrong.' },
  manager_owns_items: { items: 3 },
  invalid_request: { errors: [{ type: 'missing', loc: ['body', 'name'], msg: 'is required' }] },
}

// Codes of one status share a response, with the first as its example. Typed as an object, because no handler returns one.
export function problemResponses(codes: Code[], examples: Partial<Record<Code, object>> = {}): object {
  const byStatus = Map.groupBy(codes, (code) => problems[code][0])
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, describe(some, examples)]))
}

function describe(codes: Code[], examples: Partial<Record<Code, object>>): object {
  const [first] = codes as [Code]
  const [status, title] = problems[first]
  const example = {
    type: `/problems/${first}`,
    title,
    status,
    detail: descriptions[first].meaning.replaceAll('`', ''),
    code: first,
    request_id: exampleId,
    ...members[first],
    ...examples[first],
  }
  const allHeaders = Object.assign({}, ...codes.map((code) => headers[code] ?? {})) as object
  return {
    description: codes.map((code) => `\`${code}\`: ${descriptions[code].meaning}`).join(' '),
    content: { 'application/problem+json': { schema: ref(ProblemDetails), example } },
    ...(Object.keys(allHeaders).length > 0 && { headers: allHeaders }),
  }
}
