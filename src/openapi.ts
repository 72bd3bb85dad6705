import swagger from '@fastify/swagger'

import packageJson from '../package.json' with { type: 'json' }
import type { App } from './app.ts'
import { exampleItem, ItemOwner } from './items/schemas.ts'
import { type Code, problems } from './problems.ts'
import { InvalidPart, ProblemCode, ProblemDetails, ref, textPattern } from './schemas.ts'

/** The security requirement of routes that need a signed-in manager. */
export const signedIn = [{ oauth2: [] }]

const description = `The catalogue of a store. **Store managers** register, sign in and keep **items**.

1. Register with \`POST /store-managers\`.
2. Sign in with that e-mail address and password, under *Authentication* or with \`POST /store-managers/token\`.
3. Send the token with each request: \`Authorization: Bearer <token>\`. It lasts 24 hours, or until you log out.

Every path also answers with a trailing slash. Fields that a body has beside those listed are ignored. Text may hold
every character of Unicode but NUL, and its length is counted in code points.

Every error is \`application/problem+json\` (RFC 9457). Its \`code\` is one of the list in *ProblemCode*; its
\`request_id\` is the one in the header \`X-Request-Id\`, and in the log of the service.`

const tags = [
  { name: 'Store managers', description: 'Registration, and signing in and out.' },
  { name: 'Items', description: 'What the store sells. Every manager sees every item.' },
]

const oauth2 = {
  type: 'oauth2' as const,
  description:
    'The e-mail address is the user name. There are no clients to register: leave their id and secret empty.',
  flows: { password: { tokenUrl: '/store-managers/token', scopes: {} } },
}

/** Components that no route names, for they are parts of others. */
const parts = [ItemOwner, ProblemCode, InvalidPart]

/** Collects the OpenAPI document from the routes that are registered after this, and serves it. */
export async function serveOpenApi(app: App): Promise<void> {
  for (const schema of parts) app.addSchema(schema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Stockroom',
        version: packageJson.version,
        description,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags,
      components: { securitySchemes: { oauth2 } },
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `def-${index}`,
    },
  })
  let document: object | undefined
  app.get('/openapi.json', { schema: { hide: true } }, () => (document ??= portable(app.swagger())))
}

/** What a route is called in the document and in generated clients. */
export function operation(operationId: string, tag: 'Items' | 'Store managers', summary: string) {
  return { operationId, tags: [tag], summary }
}

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
  registrationClosed: { code: 'registration_closed', description: 'Only operators register managers here' },
  404: { code: 'item_not_found', description: 'There is no such item' },
  409: {
    code: 'email_taken',
    description: 'The e-mail address is registered already, or a request with this `Idempotency-Key` is still running',
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
    description: 'The e-mail address or the password is wrong',
    example: { error: 'invalid_grant' },
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
    type: `urn:stockroom:problem:${code}`,
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

/** `document` without what generators of clients stumble over. */
function portable(document: object): object {
  const { openapi, info, servers, tags: named, paths, components } = JSON.parse(JSON.stringify(document), rewrite)
  return { openapi, info, servers, tags: named, paths, components }
}

const nullableCategory = { anyOf: [{ $ref: '#/components/schemas/Category' }, { type: 'null' }] }

function rewrite(key: string, value: unknown): unknown {
  if (key === 'x-rule') return undefined
  // Only ECMAScript with the flag u reads \p, and no lone surrogate can be sent in UTF-8 by mistake.
  if (key === 'pattern' && value === textPattern) return '^[^\\x00]*$'
  // The empty grant type that some clients send would become a constant without a name.
  if (key === 'enum' && Array.isArray(value)) return value.filter((each) => each !== '')
  // One type for categories, not a second one that has null among its values.
  if (key === 'category' && value instanceof Object && 'enum' in value) return nullableCategory
  return value
}
