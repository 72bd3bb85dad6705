import { type TestContext, test } from 'node:test'

import { sql } from 'kysely'

import { exampleSetId } from '../../src/changes/schemas.ts'
import { exampleId } from '../../src/openapi/schemas.ts'
import { type Manager, openApp, type TestApp } from '../support/app.ts'
import { withoutChromium } from '../support/browser.ts'
import { readDocument } from '../support/document.ts'
import { tea } from '../support/fixtures.ts'
import { openReferencePage } from '../support/reference-page.ts'

const skip = withoutChromium
const email = 'ada@example.com'
test('the page signs in, sends requests, and contacts no other host', { skip }, async (t: TestContext) => {
  const { app, signIn } = await openApp(t)
  await (await signIn(email)).post('/items', tea)
  const origin = await app.listen({ port: 0 })
  const { requested, complaints, open, ...page } = await openReferencePage(t, origin)
  await page.signIn(email)
  const editor = await open({ method: 'get', path: '/items' })
  t.assert.strictEqual((await editor.send()).status(), 200)
  await editor.dialog.getByRole('region', { name: 'Response' }).getByText('Green tea').waitFor()
  t.assert.deepStrictEqual(
    requested.filter((url) => new URL(url).origin !== origin),
    [],
  )
  t.assert.deepStrictEqual(complaints, [])
})

test('the sign-in form takes an email and password, or a token', { skip }, async (t: TestContext) => {
  const { app, signIn } = await openApp(t)
  const { token } = await signIn(email)
  const { page, authentication, ...reference } = await openReferencePage(t, await app.listen({ port: 0 }))
  const labels = async () => (await authentication.locator('label:visible').allTextContents()).toSorted()
  t.assert.deepStrictEqual(await labels(), ['Password', 'Username'])
  t.assert.strictEqual(await authentication.getByRole('button', { name: 'Add Scope' }).isVisible(), false)
  await authentication.getByRole('button', { name: 'Selected Auth Type' }).click()
  await page.getByRole('option', { name: /^bearer/ }).click()
  await page.keyboard.press('Escape')
  await authentication.getByRole('button', { name: 'bearer', exact: true }).click()
  await authentication.getByRole('textbox', { name: 'Bearer Token' }).fill(token)
  const editor = await reference.open({ method: 'get', path: '/store-managers/me' })
  const response = await editor.send()
  t.assert.strictEqual(response.request().headers()['authorization'], `Bearer ${token}`)

  await reference.signIn(email)
  t.assert.deepStrictEqual(await labels(), ['Access Token'])
})

const endsSession = /^(?:logOut|deleteMe)/

test('Send can be pressed twice on each request of accounts', { skip }, async (t: TestContext) => {
  const { open, press, page, sent, operations } = await openPage(t)
  const register = await open('registerStoreManager')
  t.assert.deepStrictEqual([(await register.send()).status(), (await register.send()).status()], [201, 409])
  const body = register.dialog.locator('.cm-content', { hasText: email })
  await body.fill((await body.innerText()).replace(email, 'grace@example.com'))
  t.assert.strictEqual((await register.send()).status(), 201)
  await register.close()
  t.assert.deepStrictEqual(await press('logIn'), [200, 200])
  // The code of the example was never issued.
  t.assert.deepStrictEqual(await press('resetPassword'), [403, 403])
  await page.signIn(email)
  t.assert.deepStrictEqual(await press('getMe'), [200, 200])
  t.assert.deepStrictEqual(await press('updateMe'), [200, 200])
  const expected = operations
    .filter(({ tags }) => tags.includes('Store managers'))
    .map(({ operationId }) => operationId)
  t.assert.deepStrictEqual(sent, new Set(expected.filter((id) => !endsSession.test(id))))
})

test('Send can be pressed twice on each request that ends a session', { skip }, async (t: TestContext) => {
  const { press, page, sent, signIn, operations } = await openPage(t)
  await signIn(email)
  for (const [operation, status] of [
    ['logOutByPost', 200],
    ['logOut', 200],
    ['deleteMe', 204],
  ] as const) {
    await page.signIn(email)
    t.assert.deepStrictEqual(await press(operation), [status, 401])
  }
  const expected = operations.map(({ operationId }) => operationId)
  t.assert.deepStrictEqual(sent, new Set(expected.filter((id) => endsSession.test(id))))
})

test('Send can be pressed twice on each request that reads items', { skip }, async (t: TestContext) => {
  const { press, page, sent, context, signIn, operations } = await openPage(t)
  await insertExample(context, await signIn(email))
  await page.signIn(email)
  for (const operation of ['listItems', 'summarizeItems', 'exportItems', 'getItem']) {
    t.assert.deepStrictEqual(await press(operation), [200, 200])
  }
  const expected = operations.filter(({ tags, method }) => tags.includes('Items') && method === 'GET')
  t.assert.deepStrictEqual(sent, new Set(expected.map(({ operationId }) => operationId)))
})

test('Send can be pressed twice on each request that writes items', { skip }, async (t: TestContext) => {
  const { press, page, sent, context, signIn, operations } = await openPage(t)
  const manager = await signIn(email)
  const count = async () => (await context.db.selectFrom('items').select('id').execute()).length
  await page.signIn(email)
  t.assert.deepStrictEqual(await press('createItem'), [201, 201])
  t.assert.strictEqual(await count(), 2)
  t.assert.deepStrictEqual(await press('importItems'), [200, 200])
  t.assert.strictEqual(await count(), 2)
  await insertExample(context, manager)
  t.assert.deepStrictEqual(await press('updateItem'), [200, 200])
  t.assert.deepStrictEqual(await press('changeItems'), [200, 200])
  t.assert.deepStrictEqual(await press('deleteItem'), [204, 404])
  const expected = operations.filter(({ tags, method }) => tags.includes('Items') && method !== 'GET')
  t.assert.deepStrictEqual(sent, new Set(expected.map(({ operationId }) => operationId)))
})

test('Send can be pressed twice on each request of changes', { skip }, async (t: TestContext) => {
  // The set of the example is more than 365 days old.
  const { press, page, sent, context, signIn, operations } = await openPage(t, { HISTORY_DAYS: '0' })
  await signIn(email)
  await page.signIn(email)
  t.assert.deepStrictEqual(await press('createItem'), [201, 201])
  for (const operation of ['listChanges', 'followChanges']) t.assert.deepStrictEqual(await press(operation), [200, 200])
  const { rows } = await sql<{ id: string }>`
    update item_changes set item_id = ${exampleId}, change_set_id = ${exampleSetId}
    where change_set_id = (select max(id::text)::uuid from change_sets) returning item_id as id`.execute(context.db)
  t.assert.strictEqual(rows.length, 1)
  await sql`
    update change_sets set id = ${exampleSetId}, item_id = ${exampleId} where id = (select max(id::text)::uuid from change_sets)
  `.execute(context.db)
  for (const operation of ['getChange', 'listChangedItems', 'listItemChanges'])
    t.assert.deepStrictEqual(await press(operation), [200, 200])
  // Its item has another ID.
  t.assert.deepStrictEqual(await press('undoChange'), [409, 409])
  sent.delete('createItem')
  const expected = operations.filter(({ tags }) => tags.includes('Changes'))
  t.assert.deepStrictEqual(sent, new Set(expected.map(({ operationId }) => operationId)))
})

/** What the page fills into a query. */
const filledIn: Record<string, string> = {
  importItems: '?dry_run=true',
  changeItems: '?dry_run=true',
  undoChange: '?dry_run=true',
  followChanges: '?since=now',
}

/** The page of a service, and a way to try the operations that it shows. */
async function openPage(t: TestContext, env: Record<string, string> = {}) {
  const service = await openApp(t, env)
  const page = await openReferencePage(t, await service.app.listen({ port: 0 }))
  const { operations } = await readDocument(service.app)
  const sent = new Set<string>()

  const open = async (id: string) => {
    const operation = operations.find(({ operationId }) => operationId === id)
    if (!operation) throw new Error(`there is no ${id}`)
    sent.add(id)
    return page.open({ ...operation, method: operation.method.toLowerCase() })
  }
  /** Presses Send twice, and compares what is sent in addition to the body. */
  const press = async (id: string): Promise<number[]> => {
    const editor = await open(id)
    const responses = [await editor.send(), await editor.send()]
    await editor.close()
    for (const response of responses) {
      const { search } = new URL(response.url())
      t.assert.strictEqual(search, filledIn[id] ?? '')
      const headers = Object.keys(response.request().headers())
      t.assert.ok(!headers.includes('idempotency-key') && !headers.includes('if-match'))
    }
    return responses.map((response) => response.status())
  }
  return { ...service, page, operations, sent, open, press }
}

/** The item that the examples of the document name. */
async function insertExample({ db }: TestApp['context'], { id: owner }: Manager): Promise<void> {
  await db
    .insertInto('items')
    .values({ ...tea, id: exampleId, store_manager_id: owner })
    .execute()
}
