import { basename } from 'node:path'
import { type TestContext, test } from 'node:test'

import addFormats from 'ajv-formats'
import { Ajv2020 } from 'ajv/dist/2020.js'

import { exampleSetId as setId } from '../../src/changes/schemas.ts'
import { exampleId as itemId } from '../../src/openapi/schemas.ts'
import { openApp } from '../support/app.ts'
import { issueCode } from '../support/reset-codes.ts'

test('each example fits its schema', async (t: TestContext) => {
  const { document } = await openDocument(t)
  const ajv = new Ajv2020({ strict: false, allErrors: true }).addFormat('password', true).addFormat('idn-email', true)
  addFormats.default(ajv, ['uuid', 'date-time', 'uri', 'uri-reference'])
  ajv.addSchema(document, 'openapi')
  const found = examplesOf(document, '')
  for (const { schema, example } of found) {
    const fits = ajv.validate({ $ref: `openapi#${schema}` }, example)
    t.assert.ok(fits, `${JSON.stringify(example)} at ${schema}: ${ajv.errorsText()}`)
  }
  t.assert.ok(found.length > 80)
})

test('each body and parameter has an example', async (t: TestContext) => {
  const { document } = await openDocument(t)
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
  for (const { example } of operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}))) {
    t.assert.notStrictEqual(example, undefined)
  }
  const sent = operations.flatMap(({ parameters = [] }) => {
    for (const { in: place, schema, name, example, examples } of parameters) {
      const found = [example, examples, schema.example, schema.examples].some((each) => each !== undefined)
      t.assert.strictEqual(found, place !== 'header', name)
    }
    return parameters.filter(({ examples }) => examples && !examples['example']?.['x-disabled'])
  })
  t.assert.deepStrictEqual(sent, [])
  const filledIn = operations.flatMap(({ parameters = [] }) =>
    parameters.filter(({ example }) => example !== undefined),
  )
  t.assert.deepStrictEqual(
    filledIn.map(({ name, example }) => `${name}=${String(example)}`),
    [
      'dry_run=true',
      'dry_run=true',
      ...[itemId, itemId, itemId, setId, setId, itemId].map((id) => `id=${id}`),
      'dry_run=true',
      `id=${setId}`,
      'since=now',
    ],
  )
})

test('each example of a request body is accepted', async (t: TestContext) => {
  const { context, send, logIn, document } = await openDocument(t)
  const sent: string[] = []
  let token = ''
  let item = ''
  const isDeletion = ({ method }: { method: string }) => Number(method === 'DELETE')
  const bodies = bodiesOf(document).toSorted((one, other) => isDeletion(one) - isDeletion(other))
  for (const { path, method, type, examples } of bodies) {
    if (method === 'DELETE') await context.db.deleteFrom('items').execute()
    for (const example of examples) {
      if (isReset(path)) await issueCode(context, (example as Record<string, string>)['code'] ?? '')
      const { headers, payload } = await encode(type, example)
      const url = path.replace('/items/{id}', item)
      const answer = await send({ method, url, payload, headers: { ...headers, authorization: `Bearer ${token}` } })
      t.assert.ok([200, 201, 204].includes(answer.statusCode), `${method} ${path} ${type}: ${answer.body}`)
      if (isReset(path)) token = (await logIn('ada@example.com')).json().access_token
      if (answer.statusCode === 200) token = answer.json().access_token ?? token
      item = answer.headers.location ?? item
      sent.push(`${method} ${path}`)
    }
  }
  const login = 'POST /store-managers/token'
  t.assert.deepStrictEqual(sent, [
    'POST /store-managers',
    login,
    login,
    'POST /store-managers/reset-password',
    'PATCH /store-managers/me',
    'PATCH /store-managers/me',
    'POST /items',
    'POST /items/bulk',
    'POST /items/import',
    'POST /items/import',
    'PATCH /items/{id}',
    'DELETE /store-managers/me',
  ])
})

const isReset = (path: string) => path === '/store-managers/reset-password'

/** Text is a file as it is sent. */
type Example = Record<string, string> | string

interface Parameter {
  in: 'query' | 'path' | 'header'
  name: string
  schema: { example?: unknown; examples?: unknown }
  example?: unknown
  examples?: Record<string, { 'x-disabled'?: true }>
}

interface Operation {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: { $ref?: string }; example: Example }> }
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { examples?: Example[] }> }
}

async function openDocument(t: TestContext) {
  const app = await openApp(t)
  return { ...app, document: (await app.send({ url: '/openapi.json' })).json<Document>() }
}

interface Body {
  path: string
  method: 'POST' | 'PATCH' | 'DELETE'
  type: string
  examples: Example[]
}

function bodiesOf({ paths, components }: Document): Body[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) =>
      Object.entries(requestBody?.content ?? {}).map(([type, { schema, example }]) => {
        const { examples = [] } = components.schemas[basename(schema.$ref ?? '')] ?? {}
        return { path, method: method.toUpperCase() as Body['method'], type, examples: [example, ...examples] }
      }),
    ),
  )
}

async function encode(type: string, example: Example) {
  if (typeof example === 'string') return { payload: example, headers: { 'content-type': type } }
  if (type === 'application/json') return { payload: JSON.stringify(example), headers: { 'content-type': type } }
  const form = type === 'multipart/form-data' ? new FormData() : new URLSearchParams()
  for (const [name, value] of Object.entries(example)) form.append(name, value)
  const response = new Response(form)
  const headers = { 'content-type': response.headers.get('content-type') ?? '' }
  return { payload: Buffer.from(await response.arrayBuffer()), headers }
}

/** Every example below `value`, with a JSON pointer to the schema that it has to fit: `value` or the one that it has. */
function examplesOf(value: unknown, path: string): { schema: string; example: unknown }[] {
  if (!(value instanceof Object)) return []
  const { example, examples = {} } = value as { example?: unknown; examples?: Record<string, { value: unknown }> }
  const schema = 'schema' in value ? `${path}/schema` : path
  const named = Array.isArray(examples) ? examples : Object.values(examples).map((each) => each.value)
  const all: unknown[] = example === undefined ? named : [...named, example]
  const own = all.map((each) => ({ schema, example: each }))
  const below = Object.entries(value).filter(([key]) => key !== 'example' && key !== 'examples')
  return [...own, ...below.flatMap(([key, child]) => examplesOf(child, `${path}/${pointerOf(key)}`))]
}

function pointerOf(key: string): string {
  return encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))
}
