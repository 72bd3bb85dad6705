import { test, type TestContext } from 'node:test'

import { form, onServer, openApp } from '../support/app.ts'
import { ada, password } from '../support/fixtures.ts'

for (const field of ['password', 'password_hash']) {
  test(`a manager registers with ${field} and signs in`, async (t: TestContext) => {
    const { send, logIn } = await openApp(t)
    const registered = await send({ method: 'POST', url: '/store-managers', payload: { ...ada, [field]: password } })
    t.assert.strictEqual(registered.statusCode, 201)
    t.assert.deepStrictEqual(registered.json(), { ...ada, id: registered.json().id })
    t.assert.strictEqual((await logIn(ada.email)).statusCode, 200)
  })
}

const misfits: [what: string, body: object, where: string, type: string][] = [
  ['neither password nor password_hash', ada, 'body', 'oneOf'],
  ['both password and password_hash', { ...ada, password, password_hash: password }, 'body', 'oneOf'],
  ['a password of 7 characters', { ...ada, password: '1234567' }, 'body.password', 'string_too_short'],
  ['a password with a NUL', { ...ada, password: '1234567\0' }, 'body.password', 'string_pattern_mismatch'],
  ['a password_hash of 7 characters', { ...ada, password_hash: '1234567' }, 'body.password_hash', 'string_too_short'],
  ['an email address without @', { ...ada, email: 'ada.example.com', password }, 'body.email', 'value_error'],
  [
    'an email address of 255 characters',
    { ...ada, email: `${'a'.repeat(250)}@b.co`, password },
    'body.email',
    'string_too_long',
  ],
  ['an empty name', { ...ada, name: '', password }, 'body.name', 'string_too_short'],
  ['a name of 65 characters', { ...ada, name: 'a'.repeat(65), password }, 'body.name', 'string_too_long'],
  ['no name', { email: ada.email, password }, 'body.name', 'missing'],
]

for (const [what, payload, where, type] of misfits) {
  test(`a registration with ${what} is refused`, async (t: TestContext) => {
    const { send } = await openApp(t)
    const refused = await send({ method: 'POST', url: '/store-managers', payload })
    t.assert.strictEqual(refused.statusCode, 422)
    const [error] = refused.json().errors
    t.assert.strictEqual(error.loc.join('.'), where)
    t.assert.strictEqual(error.type, type)
    t.assert.ok(!refused.body.includes('1234567') && !refused.body.includes(password))
  })
}

const weak: [plain: string, why: RegExp][] = [
  ['password', /too common/],
  ['1Q2w3E4r', /too common/],
  ['correct horse battery staple', /too common/],
  ['aaaaaaaaaaaa', /repeated character/],
  ['🍵'.repeat(8), /repeated character/],
  ['adalovelace', /name or the email/],
  ['Countess@Example.com', /name or the email/],
  ['COUNTESS', /name or the email/],
]

for (const field of ['password', 'password_hash']) {
  test(`a common ${field} is refused and not quoted`, async (t: TestContext) => {
    const { send } = await openApp(t)
    for (const [plain, why] of weak) {
      const payload = { ...ada, email: 'countess@example.com', [field]: plain }
      const refused = await send({ method: 'POST', url: '/store-managers', payload })
      t.assert.strictEqual(refused.statusCode, 422, plain)
      const { code, errors } = refused.json()
      t.assert.deepStrictEqual([code, errors.length, errors[0].loc], ['invalid_request', 1, ['body', field]])
      t.assert.match(errors[0].msg, why)
      t.assert.ok(plain === 'password' || !refused.body.includes(plain))
    }
  })
}

test('managers with a common password can still log in', async (t: TestContext) => {
  const { register, logIn, context } = await openApp(t)
  await register(ada.email)
  await context.db
    .updateTable('store_managers')
    .set({ password_hash: await context.passwords.hash('password') })
    .execute()
  t.assert.strictEqual((await logIn(ada.email, 'password')).statusCode, 200)
})

test('an email address registers once, in any case', async (t: TestContext) => {
  const { register, logIn } = await openApp(t)
  t.assert.strictEqual((await register('Ada@Example.com')).json().email, 'Ada@Example.com')
  const again = await register('aDA@eXAMPLE.COM')
  t.assert.strictEqual(again.statusCode, 409)
  t.assert.strictEqual(again.json().code, 'email_taken')
  t.assert.strictEqual((await logIn('ada@example.com')).statusCode, 200)
})

test('of ten concurrent registrations of one address one succeeds', async (t: TestContext) => {
  const { register } = await openApp(t)
  const addresses = Array.from({ length: 10 }, (_, index) => (index % 2 ? 'ada@example.com' : 'ADA@example.com'))
  const statuses = (await Promise.all(addresses.map((email) => register(email)))).map(({ statusCode }) => statusCode)
  t.assert.deepStrictEqual(statuses.toSorted(), [201, ...Array(9).fill(409)])
})

for (const type of ['urlencoded', 'multipart']) {
  test(`a ${type} form logs in, with or without the OAuth2 fields`, async (t: TestContext) => {
    const { register, send } = await openApp(t)
    await register(ada.email)
    const credentials = { username: ada.email, password }
    const more = { grant_type: 'password', scope: '', client_id: 'x', client_secret: 'y' }
    for (const fields of [credentials, { ...credentials, ...more }]) {
      const sent = type === 'urlencoded' ? form(fields) : await multipart(fields)
      const authorization = `Basic ${Buffer.from('client:secret').toString('base64')}`
      const url = '/store-managers/token'
      const answer = await send({
        method: 'POST',
        url,
        payload: sent.payload,
        headers: { ...sent.headers, authorization },
      })
      t.assert.strictEqual(answer.statusCode, 200)
      const token = answer.json()
      t.assert.deepStrictEqual(token, { access_token: token.access_token, token_type: 'jwt', expires_in: 86_400 })
      t.assert.strictEqual(answer.headers['cache-control'], 'no-store')
    }
  })
}

test('a token lasts 24 hours and has only the necessary claims', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const { token, id } = await signIn(ada.email)
  const [header, claims] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  t.assert.deepStrictEqual(header, { alg: 'HS256', typ: 'at+jwt' })
  const { jti, iat } = claims
  t.assert.deepStrictEqual(claims, { iss: 'stockroom', aud: 'stockroom', sub: id, jti, iat, exp: iat + 86_400 })
  t.assert.match(jti, /^[0-9a-f-]{36}$/)
  t.assert.ok(Math.abs(iat - Date.now() / 1000) < 60)
})

test('TOKEN_TYPE=bearer changes the token type of logins', async (t: TestContext) => {
  const { register, logIn } = await openApp(t, { TOKEN_TYPE: 'bearer' })
  await register(ada.email)
  t.assert.strictEqual((await logIn(ada.email)).json().token_type, 'bearer')
})

test('a wrong password and an unknown address get the same response', async (t: TestContext) => {
  const { register, logIn } = await openApp(t)
  await register(ada.email)
  const wrong = await logIn(ada.email, 'wrong horse battery')
  const unknown = await logIn('nobody@example.com')
  const problem = wrong.json<{ code: string; error: string; error_description: string }>()
  t.assert.strictEqual(wrong.statusCode, 401)
  t.assert.deepStrictEqual({ ...problem, request_id: '' }, { ...unknown.json<object>(), request_id: '' })
  t.assert.strictEqual(problem.code, 'invalid_credentials')
  t.assert.strictEqual(problem.error, 'invalid_grant')
  t.assert.strictEqual(problem.error_description, 'The email address or the password is wrong.')
  t.assert.strictEqual(wrong.headers['www-authenticate'], 'Bearer')
  t.assert.strictEqual(wrong.headers['cache-control'], 'no-store')
  const constant = (headers: object) => ({ ...headers, 'x-request-id': '', date: '' })
  t.assert.deepStrictEqual(constant(wrong.headers), constant(unknown.headers))
})

const badForms: [what: string, fields: Record<string, string>, where: string][] = [
  ['no username', { password }, 'body.username'],
  ['no password', { username: ada.email }, 'body.password'],
  ['another grant', { username: ada.email, password, grant_type: 'client_credentials' }, 'body.grant_type'],
  ['a NUL in the username', { username: 'ada\0@example.com', password }, 'body.username'],
]

for (const [what, fields, where] of badForms) {
  test(`a login with ${what} is refused`, async (t: TestContext) => {
    const { send } = await openApp(t)
    const refused = await send({ method: 'POST', url: '/store-managers/token', ...form(fields) })
    t.assert.strictEqual(refused.statusCode, 422)
    t.assert.strictEqual(refused.json().errors[0].loc.join('.'), where)
  })
}

test('a login that is not a valid form is refused', async (t: TestContext) => {
  const { send } = await openApp(t)
  const logIn = (payload: string | Buffer | object, type: string) =>
    send({ method: 'POST', url: '/store-managers/token', payload, headers: { 'content-type': type } })
  t.assert.strictEqual((await logIn({ username: ada.email, password }, 'application/json')).statusCode, 415)
  for (const broken of [
    await logIn('no boundary in sight', 'multipart/form-data; boundary=x'),
    await logIn('no boundary at all', 'multipart/form-data'),
    await logIn(Buffer.from([0x75, 0x3d, 0xff]), 'application/x-www-form-urlencoded'),
  ]) {
    t.assert.strictEqual(broken.statusCode, 400)
    t.assert.strictEqual(broken.json().code, 'malformed_body')
  }
})

test('a file in place of a password is refused', async (t: TestContext) => {
  const { register, send } = await openApp(t)
  await register(ada.email)
  const fields = new FormData()
  fields.set('username', ada.email)
  fields.set('password', new File([password], 'password.txt'))
  const { payload, headers } = await encoded(fields)
  const refused = await send({ method: 'POST', url: '/store-managers/token', payload, headers })
  t.assert.strictEqual(refused.statusCode, 422)
  t.assert.deepStrictEqual(refused.json().errors[0].loc, ['body', 'password'])
})

test('no response or table has a password, no response a hash', async (t: TestContext) => {
  const { register, server, context, signIn } = await openApp(t)
  const registered = await register(ada.email)
  const [row] = (await onServer(server, `select * from ${context.config.pool.schema}.store_managers`)).rows
  t.assert.match(row.password_hash, /^\$2b\$04\$/)
  t.assert.ok(!JSON.stringify(row).includes(password))
  t.assert.ok(!registered.body.includes('$2b$') && !registered.body.includes(password))
  const manager = await signIn(ada.email)
  await manager.post('/items', { name: 'Tea', category: 'Grocery', price_usd: 1, in_stock: true })
  t.assert.ok(!(await manager.get('/items?expand=store_manager')).body.includes('@'))
})

function multipart(fields: Record<string, string>) {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.set(name, value)
  return encoded(data)
}

async function encoded(data: FormData) {
  const request = new Response(data)
  const headers = { 'content-type': request.headers.get('content-type') ?? '' }
  return { payload: Buffer.from(await request.arrayBuffer()), headers }
}
