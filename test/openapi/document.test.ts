import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

import { openApp } from '../support/app.ts'

interface Media {
  schema?: { $ref?: string }
}

interface Operation {
  operationId: string
  summary: string
  description?: string
  deprecated?: true
  tags: string[]
  security: object[]
  parameters?: { description?: string }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { description: string; content?: Record<string, Media> }>
}

const snapshot = join(import.meta.dirname, 'snapshot.json')

test('the document equals its snapshot', async (t: TestContext) => {
  const document = await readDocument(t)
  if (process.env['UPDATE_SNAPSHOT']) await writeFile(snapshot, `${JSON.stringify(document, null, 2)}\n`)
  const message = 'The document is no longer test/openapi/snapshot.json. If that is meant: UPDATE_SNAPSHOT=1 npm test'
  const same = JSON.stringify(document) === JSON.stringify(JSON.parse(await readFile(snapshot, 'utf8')))
  t.assert.strictEqual(same, true, message)
})

test('each operation has a name, a tag, and a typed response', async (t: TestContext) => {
  const { paths, tags } = await readDocument(t)
  const operations = operationsOf(paths)
  const names = operations.map(({ operationId }) => operationId)
  t.assert.deepStrictEqual(names.toSorted(), [...new Set(names)].toSorted())
  const known = new Set(tags.map(({ name }) => name))
  for (const { operationId, summary, tags: own, parameters = [], responses } of operations) {
    t.assert.match(operationId, /^[a-z][A-Za-z]+$/)
    t.assert.match(summary, /^[A-Z]/)
    t.assert.strictEqual(own.filter((tag) => known.has(tag)).length, 1)
    t.assert.deepStrictEqual(
      parameters.filter(({ description }) => !description),
      [],
    )
    const good = Object.entries(responses).filter(([status]) => status.startsWith('2'))
    t.assert.strictEqual(good.length, 1)
    const [[status, { description, content }] = ['', { description: '' }]] = good
    t.assert.notStrictEqual(description, 'Default Response')
    if (status !== '204') t.assert.match(content?.['application/json']?.schema?.$ref ?? '', /^#\/components\/schemas\//)
  }
})

test('each error response is a problem', async (t: TestContext) => {
  const { paths } = await readDocument(t)
  for (const { responses, security } of operationsOf(paths)) {
    const errors = Object.entries(responses).filter(([status]) => status >= '400')
    for (const [, { description, content }] of errors) {
      t.assert.notStrictEqual(description, 'Default Response')
      const [[type, { schema }] = ['', {}], ...others] = Object.entries(content ?? {})
      t.assert.strictEqual(type, 'application/problem+json')
      t.assert.deepStrictEqual(schema, { $ref: '#/components/schemas/Problem' })
      t.assert.deepStrictEqual(others, [])
    }
    const statuses = new Set(errors.map(([status]) => status))
    t.assert.ok(statuses.has('503'))
    if (security.length > 0) t.assert.ok(statuses.has('401'))
  }
})

test('the document describes how to sign in', async (t: TestContext) => {
  const { openapi, servers, components, paths } = await readDocument(t)
  t.assert.match(openapi, /^3\.1\./)
  t.assert.deepStrictEqual(servers, [{ url: '/' }])
  const { bearer, oauth2 } = components.securitySchemes
  t.assert.strictEqual(oauth2?.type, 'oauth2')
  t.assert.deepStrictEqual(oauth2?.flows, { password: { tokenUrl: '/store-managers/token', scopes: {} } })
  t.assert.deepStrictEqual([bearer?.type, bearer?.scheme], ['http', 'bearer'])
  const logIn = paths['/store-managers/token']?.['post']
  const forms = Object.entries(logIn?.requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema?.$ref])
  const form = '#/components/schemas/LoginForm'
  t.assert.deepStrictEqual(forms, [
    ['application/x-www-form-urlencoded', form],
    ['multipart/form-data', form],
  ])
  t.assert.strictEqual(answer(logIn), '#/components/schemas/Token')
  const { get, post } = paths['/store-managers/logout'] ?? {}
  for (const logOut of [get, post]) t.assert.strictEqual(answer(logOut), '#/components/schemas/Message')
  t.assert.deepStrictEqual([get?.deprecated, post?.deprecated], [true, undefined])
  const open = operationsOf(paths).filter(({ security }) => security.length === 0)
  t.assert.deepStrictEqual(
    open.map(({ operationId }) => operationId),
    ['registerStoreManager', 'logIn', 'resetPassword'],
  )
})

test('the document says where the ETag for If-Match comes from', async (t: TestContext) => {
  const { patch, delete: remove } = (await readDocument(t)).paths['/items/{id}'] ?? {}
  for (const operation of [patch, remove]) {
    t.assert.match(operation?.description ?? '', /`If-Match` the `ETag` .* `createItem`, `getItem`, or `updateItem`/)
  }
})

test('the document has one enum of categories', async (t: TestContext) => {
  const { components } = await readDocument(t)
  const { Category, Item, ItemCreate, ItemUpdate } = components.schemas
  t.assert.strictEqual(Category?.enum?.length, 8)
  const category = { $ref: '#/components/schemas/Category' }
  t.assert.deepStrictEqual(Item?.properties?.['category'], category)
  t.assert.deepStrictEqual(ItemCreate?.properties?.['category'], category)
  t.assert.deepStrictEqual(ItemUpdate?.properties?.['category'], { anyOf: [category, { type: 'null' }] })
})

interface Document {
  openapi: string
  servers: object[]
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, { enum?: string[]; properties?: Record<string, object> }>
    securitySchemes: Record<string, { type: string; scheme?: string; flows: object }>
  }
}

async function readDocument(t: TestContext): Promise<Document> {
  const { send } = await openApp(t)
  return (await send({ url: '/openapi.json' })).json()
}

function operationsOf(paths: Document['paths']): Operation[] {
  return Object.values(paths).flatMap((operations) => Object.values(operations))
}

function answer(operation: Operation | undefined): string | undefined {
  return operation?.responses['200']?.content?.['application/json']?.schema?.$ref
}
