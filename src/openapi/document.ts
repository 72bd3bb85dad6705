import swagger from '@fastify/swagger'
import { LRUCache } from 'lru-cache'

import packageJson from '../../package.json' with { type: 'json' }
import { writeJson } from '../http/serialization.ts'
import { sendShared, shareBody } from '../http/shared-body.ts'
import type { App } from '../http/types.ts'
import { placeExamples } from './examples.ts'
import {
  BulkError,
  ifMatchPattern,
  ImportError,
  InvalidPart,
  Message,
  namePattern,
  ProblemCode,
  ProblemDetails,
  tagsPattern,
  textPattern,
} from './schemas.ts'

export const signedIn = [{ bearer: [] }, { oauth2: [] }]

const description = `The catalog of a store. **Store managers** register, sign in, and manage **items**.

1. Register with \`POST /store-managers\`.
2. Sign in with that email address and password, under *Authentication* or with \`POST /store-managers/token\`.
3. Send the token with each request: \`Authorization: Bearer <token>\`. It is valid for 24 hours, or until you log out.

Every path also works with a trailing slash. Unknown body fields are ignored, except in a bulk change. Text may contain every Unicode character
except NUL, and its length is counted in code points.

Numbers in queries are written as in JSON, booleans as \`true\` or \`false\`. The list, the summary, the export, the import,
the bulk change, and logout reject unknown parameters (422), because ignoring one could return or change too much. \`_\` is always allowed.

Every error is \`application/problem+json\` (RFC 9457). Its \`code\` is one of *ProblemCode*; its \`request_id\` is also in the
header \`X-Request-Id\` and in the log of the service.`

const tags = [
  { name: 'Store managers', description: 'Registration, login, and logout.' },
  { name: 'Items', description: 'What the store sells. Every manager sees every item.' },
  { name: 'Changes', description: 'The history of items: who changed what, and when.' },
]

const oauth2 = {
  type: 'oauth2' as const,
  description: 'The user name is the email address. A client ID and its secret are ignored.',
  flows: { password: { tokenUrl: '/store-managers/token', scopes: {} } },
}

const bearer = {
  type: 'http' as const,
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description: 'The `access_token` from a login.',
}

const maxRootPaths = 8

interface Document {
  components: { securitySchemes: object }
}

const shared = [Message, ProblemDetails, ProblemCode, InvalidPart, ImportError, BulkError]

export async function collectOperations(app: App): Promise<void> {
  for (const schema of shared) app.addSchema(schema)
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
      components: { securitySchemes: { bearer, oauth2 } },
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `def-${index}`,
    },
  })
}

/** The first slash of the `type` of a problem, and of each `Link`. */
const exampleAddress = /(?<=")\/(?=problems\/)|(?<=<)\/(?=\w)/g

export function serveDocument(app: App): void {
  const make = (rootPath: string) => {
    const json = writeJson(below(rootPath, portable(app.swagger()))).replaceAll(exampleAddress, `${rootPath}/`)
    return shareBody('application/json; charset=utf-8', Buffer.from(json))
  }
  const documents = new LRUCache<string, ReturnType<typeof make>>({ max: maxRootPaths })
  app.get('/openapi.json', { schema: { hide: true } }, async (request, reply) => {
    const { rootPath } = request
    const document = documents.get(rootPath) ?? make(rootPath)
    documents.set(rootPath, document)
    return sendShared(request, reply, await document)
  })
}

export function operation(operationId: string, tag: 'Items' | 'Changes' | 'Store managers', summary: string) {
  return { operationId, tags: [tag], summary }
}

function below(rootPath: string, document: Document): object {
  if (rootPath === '') return document
  const { securitySchemes, ...components } = document.components
  const flows = { password: { ...oauth2.flows.password, tokenUrl: rootPath + oauth2.flows.password.tokenUrl } }
  return {
    ...document,
    servers: [{ url: rootPath }],
    components: { ...components, securitySchemes: { ...securitySchemes, oauth2: { ...oauth2, flows } } },
  }
}

function portable(document: object): Document {
  const { openapi, info, servers, tags: named, paths, components } = JSON.parse(JSON.stringify(document))
  placeExamples(paths, components.schemas)
  return JSON.parse(JSON.stringify({ openapi, info, servers, tags: named, paths, components }), rewrite)
}

const nullableCategory = { anyOf: [{ $ref: '#/components/schemas/Category' }, { type: 'null' }] }

/** Patterns for languages other than ECMAScript. The service rejects a little more. */
const portablePatterns: Record<string, string> = {
  [textPattern]: '^[^\\x00]*$',
  [namePattern]: '^[^\\x00]*[^\\x00\\s][^\\x00]*$',
}

/** Tools that invent values send the first member, which fits every item; `x-placeholder` does the same for others. */
const ifMatch = {
  anyOf: [
    { type: 'string', enum: ['*'] },
    { type: 'string', pattern: `^${tagsPattern}$` },
  ],
}

const ownKeywords = new Set(['x-rule', 'x-streamed', 'x-strict', 'x-filled-in'])

function rewrite(key: string, value: unknown): unknown {
  if (ownKeywords.has(key)) return undefined
  // Only ECMAScript with the flag u supports \p, and UTF-8 cannot encode a lone surrogate.
  if (key === 'pattern' && typeof value === 'string') return portablePatterns[value] ?? value
  if (key === 'schema' && value instanceof Object && 'pattern' in value && value.pattern === ifMatchPattern)
    return ifMatch
  if (key === 'schema' && value instanceof Object && 'x-placeholder' in value) {
    const { 'x-placeholder': placeholder, ...schema } = value
    return { anyOf: [{ type: 'string', enum: [placeholder] }, schema] }
  }
  // Generators would turn the empty grant type, which some clients send, into a constant without a name.
  if (key === 'enum' && Array.isArray(value)) return value.filter((each) => each !== '')
  // One type for categories, rather than a second one with null among its values.
  if (key === 'category' && value instanceof Object && 'enum' in value) return nullableCategory
  return value
}
