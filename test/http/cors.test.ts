import { test, type TestContext } from 'node:test'

import { listen, openApp } from '../support/app.ts'
import { readDocument } from '../support/document.ts'
import { exchange } from '../support/raw-http.ts'

const shop = 'https://shop.example'
const preflight = { 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'authorization' }

test('every response has the security headers', async (t: TestContext) => {
  const { app, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const answers = [
    await ada.get('/items'),
    await ada.post('/items', {}),
    await ada.get('/store-managers/logout'),
    ...(await Promise.all(
      ['/', '/scalar', '/scalar/scalar.js', '/openapi.json', '/healthz', '/readyz', '/nothing', '/%zz'].map((url) =>
        app.inject({ url }),
      ),
    )),
    await app.inject({ method: 'PUT', url: '/items' }),
  ].map(({ statusCode, headers }) => ({ statusCode, headers }))
  const nonsense = await exchange(await listen(app), 'nonsense\r\n\r\n')
  for (const { statusCode, headers } of [...answers, ...nonsense]) {
    t.assert.strictEqual(headers['x-content-type-options'], 'nosniff')
    t.assert.strictEqual(headers['referrer-policy'], 'no-referrer')
    t.assert.strictEqual(headers['cross-origin-resource-policy'], 'same-origin')
    t.assert.match(String(headers['content-security-policy']), /^default-src 'none'; .*frame-ancestors 'none'$/)
    if (statusCode >= 400) t.assert.strictEqual(headers['cache-control'], 'no-store')
    for (const name of ['server', 'x-powered-by']) t.assert.strictEqual(headers[name], undefined)
  }
  t.assert.strictEqual(answers.length + nonsense.length, 13)
})

test('pages of other origins may not call the API by default', async (t: TestContext) => {
  const { send } = await openApp(t)
  const answers = [
    await send({ url: '/items', headers: { origin: shop } }),
    await send({ method: 'OPTIONS', url: '/items', headers: { origin: shop, ...preflight } }),
  ]
  t.assert.strictEqual(answers[1]?.statusCode, 405)
  for (const { headers } of answers) {
    t.assert.deepStrictEqual(
      Object.keys(headers).filter((name) => name.startsWith('access-control')),
      [],
    )
  }
})

test('only pages of the origins in CORS_ORIGINS may call the API', async (t: TestContext) => {
  const { send } = await openApp(t, { CORS_ORIGINS: `${shop}, http://localhost:5173` })
  for (const origin of [shop, 'http://localhost:5173']) {
    const asked = await send({ method: 'OPTIONS', url: '/items/7', headers: { origin, ...preflight } })
    t.assert.strictEqual(asked.statusCode, 204)
    t.assert.strictEqual(asked.headers['access-control-allow-origin'], origin)
    t.assert.match(String(asked.headers['access-control-allow-methods']), /\bPATCH\b/)
    const allowed = String(asked.headers['access-control-allow-headers'])
    for (const name of ['Authorization', 'Traceparent', 'Tracestate']) t.assert.ok(allowed.split(', ').includes(name))
    const refused = await send({ url: '/items', headers: { origin } })
    t.assert.strictEqual(refused.statusCode, 401)
    t.assert.strictEqual(refused.headers['access-control-allow-origin'], origin)
    t.assert.match(String(refused.headers['access-control-expose-headers']), /\bX-Request-Id\b/)
    t.assert.strictEqual(refused.headers['access-control-allow-credentials'], undefined)
  }
  for (const origin of ['https://evil.example', `${shop}.evil.example`, 'http://shop.example', 'null', undefined]) {
    const headers = origin === undefined ? {} : { origin }
    const foreign = await send({ url: '/items', headers })
    t.assert.strictEqual(foreign.headers['access-control-allow-origin'], undefined)
    t.assert.strictEqual(foreign.headers['vary'], 'origin')
    const asked = await send({ method: 'OPTIONS', url: '/items', headers: { ...headers, ...preflight } })
    t.assert.strictEqual(asked.statusCode, 405)
  }
  const plain = await send({ method: 'OPTIONS', url: '/items', headers: { origin: shop } })
  t.assert.strictEqual(plain.statusCode, 405)
})

test('a page of an allowed origin may read each header that the document lists', async (t: TestContext) => {
  const { app, send } = await openApp(t, { CORS_ORIGINS: shop })
  const { headers } = await send({ url: '/items', headers: { origin: shop } })
  const exposed = new Set(String(headers['access-control-expose-headers']).split(', '))
  const { operations } = await readDocument(app)
  const listed = operations.flatMap(({ responses }) =>
    Object.values(responses).flatMap((response) => Object.keys(response.headers ?? {})),
  )
  // What browsers themselves act on.
  const others = new Set(listed).difference(exposed).difference(new Set(['Content-Encoding', 'Vary']))
  t.assert.deepStrictEqual([...others], [])
  t.assert.ok(listed.includes('X-Next-After'))
})

test('CORS_ORIGINS=* lets every page call the API without credentials', async (t: TestContext) => {
  const { send } = await openApp(t, { CORS_ORIGINS: '*' })
  const { headers } = await send({ url: '/items', headers: { origin: 'https://any.example' } })
  t.assert.strictEqual(headers['access-control-allow-origin'], '*')
  t.assert.strictEqual(headers['access-control-allow-credentials'], undefined)
})

test('a page of an allowed origin sees errors that come before any hook', async (t: TestContext) => {
  const { app, log } = await openApp(t, { CORS_ORIGINS: shop })
  const port = await listen(app)
  for (const [start, status] of [
    ['GET /items/%zz HTTP/1.1\r\n', 400],
    [`GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}\r\n`, 431],
  ] as const) {
    for (const [from, allowed] of [
      [shop, shop],
      ['https://evil.example', undefined],
    ]) {
      const sent = start.replace('\r\n', `\r\nHost: a\r\nOrigin: ${from}\r\n`)
      const [response] = await exchange(port, `${sent}Connection: close\r\n\r\n`)
      t.assert.strictEqual(response?.statusCode, status)
      t.assert.strictEqual(response.headers['access-control-allow-origin'], allowed)
    }
  }
  const statuses = log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  t.assert.deepStrictEqual(
    statuses.map(({ status }) => status),
    [400, 400, 431, 431],
  )
})
