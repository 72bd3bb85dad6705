import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'
import { cookieIn, sameOrigin, signInToConsole } from '../support/console.ts'
import { ada, password } from '../support/fixtures.ts'

const url = '/console/session'
const settings = { registration: 'open', item_writes: 'owner', require_if_match: false, import_limit: 2 ** 30 }

test('a session without a cookie names no manager, and the settings', async (t: TestContext) => {
  const cases: [env: Record<string, string>, expected: object][] = [
    [{}, {}],
    [
      { REGISTRATION: 'closed', ITEM_WRITES: 'shared', REQUIRE_IF_MATCH: 'true', IMPORT_LIMIT: '1' },
      { registration: 'closed', item_writes: 'shared', require_if_match: true, import_limit: 2 ** 20 },
    ],
  ]
  for (const [env, expected] of cases) {
    const { send } = await openApp(t, env)
    for (const headers of [{}, { cookie: 'stockroom-80=nonsense' }, { cookie: 'stockroom-80=' }, { cookie: ';=;a' }]) {
      const answer = await send({ url, headers: { ...sameOrigin, ...headers } })
      t.assert.strictEqual(answer.statusCode, 200)
      t.assert.deepStrictEqual(answer.json(), { manager: null, expires_at: null, ...settings, ...expected })
      t.assert.strictEqual(answer.headers['cache-control'], 'no-store')
      t.assert.strictEqual(answer.headers['set-cookie'], undefined)
    }
  }
})

test('signing in sets a cookie that scripts cannot read', async (t: TestContext) => {
  const { send, signIn, context } = await openApp(t)
  const { id, email } = await signIn(ada.email)
  const answer = await signInToConsole(send, ` ${email} `)
  t.assert.strictEqual(answer.statusCode, 200)
  t.assert.strictEqual(answer.headers['cache-control'], 'no-store')
  const { cookie, attributes } = cookieIn(answer)
  t.assert.strictEqual(attributes, 'Path=/console; HttpOnly; SameSite=Strict')
  const [, token = ''] = /^stockroom-80=(.+)$/.exec(cookie) ?? []
  const { exp } = await context.tokens.verify(`Bearer ${token}`)
  t.assert.ok(!answer.body.includes(token))
  t.assert.deepStrictEqual(answer.json(), {
    manager: { id, name: ada.name, email },
    expires_at: new Date(exp * 1000).toISOString(),
    ...settings,
  })
  const again = await send({ url, headers: { ...sameOrigin, cookie: `theme=dark; ${cookie}` } })
  t.assert.deepStrictEqual(again.json(), answer.json())
  t.assert.strictEqual(again.headers['set-cookie'], undefined)
})

test('stay keeps the cookie as long as its token', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  await signIn(ada.email)
  const ages = [true, false, undefined].map(async (stay) => {
    const { attributes } = cookieIn(await signInToConsole(send, ada.email, stay === undefined ? {} : { stay }))
    return /Max-Age=(\d+)/.exec(attributes)?.[1]
  })
  t.assert.deepStrictEqual(await Promise.all(ages), ['86400', undefined, undefined])
})

test('the name of the cookie depends on the scheme and the port', async (t: TestContext) => {
  const secure = ['__Host-stockroom', 'Path=/; Secure; HttpOnly; SameSite=Strict']
  const below = (path: string) => `Path=${path}/console; HttpOnly; SameSite=Strict`
  const plain = (port: string) => [`stockroom-${port}`, below('')]
  const prefixed = { 'x-forwarded-prefix': '/a/b' }
  const forwarded = { 'x-forwarded-host': 'shop.example:8443' }
  const cases: [trusted: string, headers: Record<string, string>, expected: (string | undefined)[]][] = [
    ['0', { host: 'localhost:8000', origin: 'http://localhost:8000' }, plain('8000')],
    ['0', { host: '[::1]:81', origin: 'http://[::1]:81' }, plain('81')],
    ['0', { host: 'shop.example', origin: 'http://shop.example' }, plain('80')],
    ['0', { host: 'shop.example', origin: 'https://shop.example' }, secure],
    ['0', { host: 'shop.example:8443', origin: 'https://shop.example:8443' }, secure],
    // A proxy that terminates TLS and changes Host.
    ['0', { host: '127.0.0.1:8000', origin: 'https://shop.example', ...sameOrigin }, secure],
    ['0', { host: 'localhost:8000', origin: 'http://localhost:8000', ...forwarded }, plain('8000')],
    ['1', { host: '127.0.0.1:8000', origin: 'http://shop.example:8443', ...forwarded }, plain('8443')],
    ['1', { host: '127.0.0.1:8000', origin: 'https://shop.example:8443', ...forwarded }, secure],
    [
      '1',
      { host: 'shop.example', origin: 'https://shop.example', ...prefixed },
      ['__Host-stockroom%2Fa%2Fb', secure[1]],
    ],
    ['1', { host: 'a.example', origin: 'http://a.example', ...prefixed }, ['stockroom-80', below('/a/b')]],
    ['0', { host: 'a.example', origin: 'http://a.example', ...prefixed }, plain('80')],
  ]
  const untrusting = await openApp(t)
  await untrusting.signIn(ada.email)
  const trusting = await openApp(t, { TRUST_PROXY: '1' })
  await trusting.signIn(ada.email)
  for (const [trusted, given, expected] of cases) {
    const { send } = trusted === '1' ? trusting : untrusting
    const answer = await send({ method: 'POST', url, headers: given, payload: { email: ada.email, password } })
    const { cookie, attributes } = cookieIn(answer)
    t.assert.deepStrictEqual([cookie.split('=')[0], attributes], expected, JSON.stringify(given))
    const { origin: _, ...headers } = given
    const read = await send({ url, headers: { ...headers, cookie } })
    t.assert.strictEqual(read.json().manager?.email, ada.email, JSON.stringify(given))
  }
})

test('a cookie of another port or without its prefix is not read', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  const { token } = await signIn(ada.email)
  const cases: [headers: Record<string, string>, isRead: boolean][] = [
    [{ host: 'localhost:8000', cookie: `stockroom-8000=${token}` }, true],
    [{ host: 'localhost:8001', cookie: `stockroom-8000=${token}` }, false],
    [{ host: 'localhost:8000', cookie: `stockroom=${token}` }, false],
    [{ host: 'localhost:8000', cookie: `stockroom-8000="${token}"` }, false],
    [{ host: 'localhost:8000', cookie: `stockroom-8000=x; stockroom-8000=${token}` }, false],
    [{ host: 'shop.example', cookie: `__Host-stockroom=${token}; stockroom-80=x` }, true],
    [{ host: 'shop.example', cookie: `stockroom-80=x; __Host-stockroom=${token}` }, true],
    // Sec-Fetch-Site says that this came over TLS, where only the other name is set.
    [{ host: 'shop.example', cookie: `stockroom-80=${token}` }, false],
    [{ host: '127.0.0.1:8000', cookie: `stockroom-8000=${token}` }, true],
    [{ host: '[::1]:8000', cookie: `stockroom-8000=${token}` }, true],
    [{ host: 'a.localhost:8000', cookie: `stockroom-8000=${token}` }, true],
    [{ host: 'localhost.example:8000', cookie: `stockroom-8000=${token}` }, false],
  ]
  for (const [headers, isRead] of cases) {
    const { manager } = (await send({ url, headers: { ...sameOrigin, ...headers } })).json()
    t.assert.strictEqual(manager !== null, isRead, JSON.stringify(headers))
  }
  const unencrypted = await send({ url, headers: { host: 'shop.example', cookie: `stockroom-80=${token}` } })
  t.assert.strictEqual(unencrypted.json().manager.email, ada.email)
})

test('the console and the API share one limit of failed logins', async (t: TestContext) => {
  const { send, signIn, logIn, log } = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '3' })
  await signIn(ada.email)
  const wrong = () => signInToConsole(send, ada.email, { password: 'wrong' })
  const refused = await wrong()
  t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [401, 'invalid_credentials'])
  t.assert.strictEqual(refused.headers['set-cookie'], undefined)
  t.assert.strictEqual((await logIn(ada.email, 'wrong')).statusCode, 401)
  t.assert.strictEqual((await wrong()).statusCode, 401)
  const limited = await wrong()
  t.assert.deepStrictEqual([limited.statusCode, limited.json().code], [429, 'too_many_logins'])
  t.assert.ok(Number(limited.headers['retry-after']) > 0)
  t.assert.strictEqual((await logIn(ada.email)).statusCode, 429)
  const events = log.map((line) => JSON.parse(line).event).filter((event) => event?.startsWith('login'))
  t.assert.deepStrictEqual(events.slice(-5), [
    'login_failed',
    'login_failed',
    'login_failed',
    'login_limited',
    'login_limited',
  ])
})

test('a sign-in names its fields, and needs both', async (t: TestContext) => {
  const { send } = await openApp(t)
  for (const payload of [
    {},
    { email: 'a@b.example' },
    { email: 1, password: 'x' },
    { email: 'a', password: 'x', stay: 1 },
  ]) {
    const answer = await send({ method: 'POST', url, headers: sameOrigin, payload })
    t.assert.deepStrictEqual([answer.statusCode, answer.json().code], [422, 'invalid_request'], JSON.stringify(payload))
  }
  const form = await send({
    method: 'POST',
    url,
    headers: { ...sameOrigin, 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'email=a',
  })
  t.assert.strictEqual(form.statusCode, 415)
})

test('signing out revokes the token and deletes the cookie', async (t: TestContext) => {
  const { send, signIn, log } = await openApp(t)
  const other = await signIn(ada.email)
  const { cookie } = cookieIn(await signInToConsole(send, ada.email))
  const [, token = ''] = cookie.split('=')
  const bearer = { authorization: `Bearer ${token}` }
  t.assert.strictEqual((await send({ url: '/store-managers/me', headers: bearer })).statusCode, 200)
  for (const attempt of ['first', 'second']) {
    const answer = await send({ method: 'DELETE', url, headers: { ...sameOrigin, cookie } })
    t.assert.strictEqual(answer.statusCode, 204, attempt)
    t.assert.deepStrictEqual(answer.headers['set-cookie'], [
      '__Host-stockroom=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0',
      'stockroom-80=; Path=/console; HttpOnly; SameSite=Strict; Max-Age=0',
    ])
    t.assert.strictEqual((await send({ url: '/store-managers/me', headers: bearer })).statusCode, 401)
    t.assert.strictEqual((await send({ url, headers: { ...sameOrigin, cookie } })).json().manager, null)
  }
  t.assert.strictEqual((await other.get('/items?limit=1')).statusCode, 200)
  t.assert.strictEqual(log.filter((line) => JSON.parse(line).event === 'logged_out').length, 1)
})

test('signing out everywhere revokes all tokens of the manager', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  const phone = await signIn(ada.email)
  const { cookie } = cookieIn(await signInToConsole(send, ada.email))
  const answer = await send({ method: 'DELETE', url: `${url}?scope=all`, headers: { ...sameOrigin, cookie } })
  t.assert.strictEqual(answer.statusCode, 204)
  t.assert.strictEqual((await phone.get('/items?limit=1')).statusCode, 401)
})

test('a sign-out with a mistyped parameter revokes nothing', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  await signIn(ada.email)
  const headers = { ...sameOrigin, cookie: cookieIn(await signInToConsole(send, ada.email)).cookie }
  for (const query of ['scope=some', 'scop=all', 'all=true']) {
    const answer = await send({ method: 'DELETE', url: `${url}?${query}`, headers })
    t.assert.deepStrictEqual([answer.statusCode, answer.headers['set-cookie']], [422, undefined], query)
  }
  t.assert.strictEqual((await send({ url, headers })).json().manager.email, ada.email)
})

test('a session ends when its manager is deleted or disabled', async (t: TestContext) => {
  const { send, signIn, context } = await openApp(t)
  const { id } = await signIn(ada.email)
  const { cookie } = cookieIn(await signInToConsole(send, ada.email))
  const deleted = await signIn('grace@example.com')
  const { cookie: other } = cookieIn(await signInToConsole(send, deleted.email))
  await context.db.deleteFrom('store_managers').where('id', '=', deleted.id).execute()
  t.assert.strictEqual((await send({ url, headers: { ...sameOrigin, cookie: other } })).json().manager, null)
  await context.db.updateTable('store_managers').set({ disabled_at: new Date() }).where('id', '=', id).execute()
  t.assert.strictEqual((await send({ url, headers: { ...sameOrigin, cookie } })).json().manager, null)
  const refused = await signInToConsole(send, ada.email)
  t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [401, 'account_disabled'])
})
