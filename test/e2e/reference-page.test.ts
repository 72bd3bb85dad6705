import { basename } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'

import type { Page } from 'playwright-core'

import { hashResetCode } from '../../src/auth/reset-codes.ts'
import type { Context } from '../../src/context.ts'
import { issueResetCode } from '../../src/store-managers/password-reset.ts'
import type { PasswordReset } from '../../src/store-managers/schemas.ts'
import { openApp, password } from '../support/app.ts'
import { openBrowser, withoutChromium } from '../support/browser.ts'

test(
  'the page asks no other host for anything, signs a manager in and sends their requests',
  { skip: withoutChromium },
  async (t: TestContext) => {
    const { app, signIn } = await openApp(t)
    const ada = await signIn('ada@example.com')
    await ada.post('/items', { name: 'Green tea', category: 'Grocery', price_usd: 4.99, in_stock: true })
    const origin = await app.listen({ port: 0 })
    const { page, requested, complaints } = await openPage(t)

    await page.goto(`${origin}/scalar`)
    await page.getByRole('heading', { name: 'Stockroom', level: 1 }).waitFor()
    const authentication = page.getByRole('group', { name: 'Authentication', exact: true })
    await authentication.getByRole('combobox', { name: 'Username' }).fill(ada.email)
    await authentication.getByRole('textbox', { name: 'Password' }).fill(password)
    await authentication.getByRole('button', { name: 'Authorize' }).click()
    await authentication.getByText('Access Token').waitFor()

    await page.getByRole('link', { name: /^List every item/ }).click()
    await page.getByRole('button', { name: 'Test Request (get /items)', exact: true }).click()
    const client = page.getByRole('dialog', { name: 'API Client' })
    const answered = page.waitForResponse(`${origin}/items`)
    await client.getByRole('button', { name: /^Send get request to/ }).click()
    t.assert.strictEqual((await answered).status(), 200)
    const answer = client.getByRole('region', { name: 'Response' })
    await answer.getByText('200').first().waitFor()
    await answer.getByText('Green tea').waitFor()

    t.assert.deepStrictEqual(
      requested.filter((url) => new URL(url).origin !== origin),
      [],
    )
    t.assert.deepStrictEqual(complaints, [])
  },
)

test('the page runs no script and no style but its own, and cannot be framed', async (t: TestContext) => {
  const { send } = await openApp(t)
  const first = await send({ url: '/scalar' })
  const second = await send({ url: '/scalar/' })
  const policy = String(first.headers['content-security-policy'])
  t.assert.match(policy, /^default-src 'none'; script-src 'nonce-[\w-]{22}'; style-src 'nonce-[\w-]{22}';/)
  t.assert.match(policy, /frame-ancestors 'none'/)
  t.assert.doesNotMatch(policy.replace(`style-src-attr 'unsafe-inline'`, ''), /unsafe|https?:|\*/)
  t.assert.notStrictEqual(policy, second.headers['content-security-policy'])
  t.assert.strictEqual(first.headers['cache-control'], 'no-store')
  t.assert.doesNotMatch(first.body.replaceAll('http://www.w3.org/2000/svg', ''), /https?:/)
})

test('the script comes with gzip and without, and only once to who keeps it', async (t: TestContext) => {
  const { send } = await openApp(t)
  const url = '/scalar/scalar.js'
  const plain = await send({ url })
  t.assert.strictEqual(plain.statusCode, 200)
  t.assert.strictEqual(plain.headers['content-encoding'], undefined)
  t.assert.strictEqual(
    (await send({ url, headers: { 'accept-encoding': 'br, gzip;q=0' } })).headers['content-encoding'],
    undefined,
  )
  const zipped = await send({ url, headers: { 'accept-encoding': 'br, gzip;q=0.5' } })
  t.assert.strictEqual(zipped.headers['content-encoding'], 'gzip')
  t.assert.ok(gunzipSync(zipped.rawPayload).equals(plain.rawPayload))

  const etag = String(plain.headers.etag)
  for (const known of [etag, etag.replace('W/', ''), `"other", ${etag}`]) {
    const unchanged = await send({ url, headers: { 'if-none-match': known } })
    t.assert.strictEqual(unchanged.statusCode, 304)
    t.assert.strictEqual(unchanged.body, '')
  }
  t.assert.strictEqual((await send({ url, headers: { 'if-none-match': '"other"' } })).statusCode, 200)
  const head = await send({ method: 'HEAD', url })
  t.assert.strictEqual(head.headers['content-length'], plain.headers['content-length'])
  t.assert.strictEqual(head.body, '')
})

test('each example of a request body is accepted as it stands', async (t: TestContext) => {
  const { context, send, logIn } = await openApp(t)
  const { paths, components } = (await send({ url: '/openapi.json' })).json()
  const sent: string[] = []
  let token = ''
  let item = ''
  const isDeletion = ({ method }: { method: string }) => Number(method === 'DELETE')
  const bodies = bodiesOf(paths, components.schemas).toSorted((one, other) => isDeletion(one) - isDeletion(other))
  for (const { path, method, type, examples } of bodies) {
    if (method === 'DELETE') await context.db.deleteFrom('items').execute()
    for (const example of examples) {
      if (isReset(path)) await issueCode(context, (example as PasswordReset).code)
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
    'POST /items',
    'POST /items/import',
    'POST /items/import',
    'PATCH /items/{id}',
    'DELETE /store-managers/me',
  ])
})

const isReset = (path: string) => path === '/store-managers/reset-password'

/** Issues `code` for the only manager. */
async function issueCode({ db }: Context, code: string): Promise<void> {
  const { id } = await db.selectFrom('store_managers').select('id').executeTakeFirstOrThrow()
  await issueResetCode(db, id)
  await db
    .updateTable('password_resets')
    .set({ code_hash: hashResetCode(code) })
    .execute()
}

/** A page that remembers what it asked for, its console's errors and what its policy did not let pass. */
async function openPage(t: TestContext): Promise<{ page: Page; requested: string[]; complaints: string[] }> {
  const page = await (await openBrowser(t)).newPage()
  const requested: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  const report = 'console.error(`${event.violatedDirective} ${event.blockedURI}`)'
  await page.addInitScript({ content: `addEventListener('securitypolicyviolation', (event) => ${report})` })
  return { page, requested, complaints }
}

interface Body {
  path: string
  method: 'POST' | 'PATCH' | 'DELETE'
  type: string
  examples: Example[]
}

/** Text is a file as it is sent. */
type Example = Record<string, string> | string

type Operation = { requestBody?: { content: Record<string, { schema: { $ref?: string }; example?: Example }> } }

function bodiesOf(
  paths: Record<string, Record<string, Operation>>,
  schemas: Record<string, { examples: Example[] }>,
): Body[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) =>
      Object.entries(requestBody?.content ?? {}).map(([type, { schema, example }]) => {
        const { examples } = schemas[basename(schema.$ref ?? '')] ?? { examples: example ? [example] : [] }
        return { path, method: method.toUpperCase() as Body['method'], type, examples }
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
