import assert from 'node:assert/strict'

import addFormats from 'ajv-formats'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import * as fc from 'fast-check'

import { normalizeEmail } from '../../src/http/email-address.ts'
import type { App } from '../../src/http/types.ts'
import { problems } from '../../src/problems.ts'
import type { Components, Schema } from './arbitraries.ts'

interface DeclaredResponse {
  headers?: object
  content?: Record<string, { schema: Schema }>
}

/** A parameter of an operation. */
export interface Parameter {
  name: string
  in: string
  required: boolean
  schema: Schema
  example?: unknown
}

/** One method of one path, as the document describes it. */
export interface Operation {
  method: string
  /** With its parameters in braces. */
  path: string
  operationId: string
  tags: string[]
  summary: string
  /** What it takes, and in which media types. */
  body: Schema | undefined
  types: string[]
  /** Those of its query. */
  parameters: Parameter[]
  responses: Record<string, DeclaredResponse>
}

export interface Answer {
  statusCode: number
  headers: Record<string, number | string | string[] | undefined>
  body: string
}

export interface Document {
  operations: Operation[]
  components: Components
  /** @throws AssertionError if `answer` is not one that the document, or HTTP, lets the service give */
  check(method: string, url: string, answer: Answer): void
}

interface OpenApi {
  paths: Record<string, Record<string, OpenApiOperation>>
  components: { schemas: Components }
}

interface OpenApiOperation extends Pick<Operation, 'operationId' | 'tags' | 'summary' | 'responses'> {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

/** What the document of `app` promises, and a check of responses against it. */
export async function readDocument(app: App): Promise<Document> {
  await app.ready()
  const openApi = JSON.parse(JSON.stringify(app.swagger())) as OpenApi
  const components = openApi.components.schemas
  const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { requestBody, parameters: all = [], responses, operationId, tags, summary }]) => {
        const content = requestBody?.content ?? {}
        const types = Object.keys(content)
        const body = content[types[0] ?? '']?.schema
        const parameters = all.filter((parameter) => parameter.in === 'query')
        const operation = {
          method: method.toUpperCase(),
          path,
          operationId,
          tags,
          summary,
          body,
          types,
          parameters,
          responses,
        }
        return Object.assign(operation, { [fc.toStringMethod]: () => operationId })
      },
    ),
  )
  const validatorOf = buildValidators(components)

  return {
    operations,
    components,
    check(method, url, answer) {
      checkAny(method, answer, url)
      const path = route(url)
      const matching = operations.filter((operation) => matches(operation.path, path))
      // A path without parameters goes before one that has some in their place.
      const exact = matching.filter((operation) => operation.path === path)
      const here = exact.length > 0 ? exact : matching
      const operation = here.find((each) => each.method === (method === 'HEAD' ? 'GET' : method))
      // HEAD works where GET does, but where GET is not safe.
      const isRefused = method === 'HEAD' && answer.statusCode === 405
      if (operation && !isRefused) checkDeclared(operation, method, answer, validatorOf)
      else checkUndocumented(path, here, answer)
    },
  }
}

/** Pages that are not of the API, so not in the document. */
const hidden = new Set(['/', '/scalar', '/scalar/scalar.js', '/openapi.json'])

/** What HTTP itself responds where there is no operation. */
function checkUndocumented(path: string | undefined, here: Operation[], answer: Answer): void {
  const { statusCode, headers } = answer
  if (path === undefined) return assert.equal(statusCode, 400, 'a path that cannot be decoded')
  if (here.length > 0) {
    assert.equal(statusCode, 405, 'a method that the document does not have')
    const allowed = new Set(String(headers['allow']).split(', '))
    for (const { method } of here) assert.ok(allowed.has(method), `${method} is not in Allow`)
  } else if (hidden.has(path)) assert.ok([200, 304, 307, 405].includes(statusCode), `${statusCode} at ${path}`)
  else assert.equal(statusCode, 404, 'a path that the document does not have')
}

/** @throws AssertionError if `answer` is a failure of the service, or an error in another form */
export function checkAny(method: string, { statusCode, headers, body }: Answer, url = ''): void {
  assert.ok(statusCode < 500, `${method} ${url} got ${statusCode}: ${body}`)
  assert.doesNotMatch(body, /\$2[aby]\$\d\d\$/, 'the response holds a hash')
  if (statusCode < 400) return
  assert.doesNotMatch(
    body,
    /\.[jt]s:\d|node_modules|\bselect\b.*\bfrom\b|insert into/i,
    'the response tells what is inside',
  )
  assert.equal(headers['content-type'], 'application/problem+json')
  if (method === 'HEAD') return assert.equal(body, '')
  const problem = JSON.parse(body) as Record<string, unknown>
  for (const member of ['type', 'title', 'detail', 'code', 'request_id']) {
    assert.equal(typeof problem[member], 'string', `${member} of ${body}`)
  }
  assert.equal(problem['status'], statusCode)
  assert.equal(problem['request_id'], headers['x-request-id'])
  const known = Object.entries(problems).find(([code]) => code === problem['code'])
  assert.equal(known?.[1][0], statusCode, `code ${String(problem['code'])} goes with another status`)
}

type ValidatorOf = (schema: Schema) => ValidateFunction

function checkDeclared(operation: Operation, method: string, answer: Answer, validatorOf: ValidatorOf): void {
  const { statusCode, headers, body } = answer
  const name = `${operation.method} ${operation.path}`
  const declared = operation.responses[statusCode]
  assert.ok(declared, `${name} returned ${statusCode}, which is not declared: ${body}`)
  const [type] = String(headers['content-type'] ?? '').split(';')
  if (!declared.content) {
    assert.deepEqual([type, body], ['', ''], `${name} returned ${statusCode} with a body, which is not declared`)
    return
  }
  const content = declared.content[type ?? '']
  assert.ok(content, `${name} returned ${statusCode} in ${type}, which is not declared`)
  if (method === 'HEAD') return
  const validate = validatorOf(content.schema)
  assert.ok(
    validate(/[/+]json$/.test(type ?? '') ? JSON.parse(body) : body),
    `${name} returned ${body}: ${JSON.stringify(validate.errors)}`,
  )
}

/** Validators that let no member pass but those that a schema lists. */
function buildValidators(components: Components): ValidatorOf {
  const ajv = new Ajv2020({
    strict: false,
    schemas: [{ $id: 'document', components: { schemas: closed(components) } }],
  })
  addFormats.default(ajv).addFormat('idn-email', (text: string) => normalizeEmail(text) === text)
  const compiled = new Map<string, ValidateFunction>()
  return (schema) => {
    const key = JSON.stringify(schema)
    const validate = compiled.get(key) ?? ajv.compile({ ...closed(schema), $id: `document-${compiled.size}` })
    compiled.set(key, validate)
    return validate
  }
}

/** `schema` without room for members that it does not list, its references absolute. */
function closed<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(closed) as T
  if (typeof schema !== 'object' || schema === null) return schema
  const parts = Object.entries(schema).map(([key, value]) => [key, key === '$ref' ? `document${value}` : closed(value)])
  const isObject = 'properties' in schema && 'type' in schema
  return { ...(isObject && { additionalProperties: false }), ...Object.fromEntries(parts) } as T
}

/** The path in `url` as a router sees it: decoded, without a trailing slash. Nothing if it cannot be decoded. */
function route(url: string): string | undefined {
  const { pathname } = new URL(`http://localhost${url}`)
  try {
    decodeURIComponent(pathname)
    return decodeURI(pathname === '/' ? pathname : pathname.replace(/\/$/, ''))
  } catch {
    return undefined
  }
}

function matches(template: string, path: string | undefined): boolean {
  const expected = template.split('/')
  const given = (path ?? '').split('/')
  if (expected.length !== given.length) return false
  return expected.every((segment, at) => segment.startsWith('{') || segment === given[at])
}
