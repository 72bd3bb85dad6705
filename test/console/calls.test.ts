import { test, type TestContext } from 'node:test'

import { exampleId } from '../../src/openapi/schemas.ts'
import { listen, openApp } from '../support/app.ts'
import { cookieIn, sameOrigin, signInToConsole } from '../support/console.ts'
import { ada, password, tea } from '../support/fixtures.ts'
import { exchange } from '../support/raw-http.ts'
import { until } from '../support/until.ts'

const methods = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS'] as const

/** Headers, and whether a page of the console can have sent them, with GET or HEAD, and with other methods. */
const origins: [headers: Record<string, string>, reading: boolean, writing: boolean][] = [
  [{ 'sec-fetch-site': 'same-origin' }, true, true],
  [{ 'sec-fetch-site': 'same-origin', origin: 'https://behind-a-proxy.example' }, true, true],
  [{ 'sec-fetch-site': 'same-site' }, false, false],
  [{ 'sec-fetch-site': 'same-site', origin: 'http://localhost:8001' }, false, false],
  [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false, false],
  [{ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:8000' }, false, false],
  [{ 'sec-fetch-site': 'none' }, false, false],
  [{ 'sec-fetch-site': 'Same-Origin' }, false, false],
  [{ 'sec-fetch-site': '' }, false, false],
  // Without TLS, beyond this machine.
  [{}, true, false],
  [{ origin: 'http://localhost:8000' }, true, true],
  [{ origin: 'http://localhost:8001' }, false, false],
  [{ origin: 'http://localhost' }, false, false],
  [{ origin: 'http://evil.example' }, false, false],
  [{ origin: 'null' }, false, false],
  [{ origin: '' }, false, false],
]

test('every method needs the origin of the console, whatever the path', async (t: TestContext) => {
  const { send, signIn } = await openApp(t, { CORS_ORIGINS: '*' })
  const { token } = await signIn(ada.email)
  for (const url of ['/console/session', '/console/api/items', `/console/api/items/${exampleId}`]) {
    for (const method of methods) {
      for (const [headers, reading, writing] of origins) {
        const isAllowed = method === 'GET' || method === 'HEAD' ? reading : writing
        const answer = await send({
          method,
          url,
          headers: {
            host: 'localhost:8000',
            cookie: `stockroom-8000=${token}`,
            ...(method === 'OPTIONS' && { 'access-control-request-method': 'POST' }),
            ...headers,
          },
        })
        const about = `${method} ${url} ${JSON.stringify(headers)}`
        t.assert.strictEqual(answer.statusCode !== 403, isAllowed, about)
        if (answer.statusCode !== 403) continue
        if (method !== 'HEAD') t.assert.strictEqual(answer.json().code, 'not_same_origin', about)
        t.assert.strictEqual(answer.headers['access-control-allow-origin'], undefined, about)
      }
    }
  }
})

test('a refused call changes nothing, and is a security event', async (t: TestContext) => {
  const { send, signIn, log, context } = await openApp(t)
  const { token } = await signIn(ada.email)
  const cookie = `stockroom-80=${token}`
  const headers = { cookie, 'sec-fetch-site': 'same-site' }
  await send({ method: 'POST', url: '/console/api/items', headers, payload: tea })
  await send({ method: 'DELETE', url: '/console/session?scope=all', headers })
  const signIns = await send({
    method: 'POST',
    url: '/console/session',
    headers,
    payload: { email: ada.email, password },
  })
  t.assert.strictEqual(signIns.headers['set-cookie'], undefined)
  t.assert.deepStrictEqual(await context.db.selectFrom('items').select('id').execute(), [])
  t.assert.strictEqual((await send({ url: '/console/session', headers: { cookie } })).json().manager.email, ada.email)
  const events = log.map((line) => JSON.parse(line).event).filter((event) => event === 'cross_site_request_refused')
  t.assert.strictEqual(events.length, 3)
})

test('only the cookie identifies calls of the console, and only those', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  const { token, id } = await signIn(ada.email)
  const { cookie } = cookieIn(await signInToConsole(send, ada.email))
  const authorization = `Bearer ${token}`
  const statusOf = async (url: string, headers: Record<string, string>) =>
    (await send({ url, headers: { ...sameOrigin, ...headers } })).statusCode
  t.assert.strictEqual(await statusOf('/console/api/items?limit=1', { cookie }), 200)
  t.assert.strictEqual(await statusOf('/console/api/items?limit=1', { cookie, authorization: 'Bearer x' }), 200)
  const unnamed = await send({ url: '/console/api/items?limit=1', headers: { ...sameOrigin, authorization } })
  t.assert.deepStrictEqual([unnamed.statusCode, unnamed.json().code], [401, 'missing_token'])
  t.assert.strictEqual(
    await statusOf('/console/api/store-managers/me', { authorization, cookie: 'stockroom-80=x' }),
    401,
  )
  for (const path of [
    '/items?limit=1',
    '/store-managers/me',
    '/changes',
    `/items/${exampleId}`,
    '/store-managers/logout',
  ])
    t.assert.strictEqual(await statusOf(path, { cookie }), 401, path)
  const me = await send({ url: '/console/api/store-managers/me', headers: { ...sameOrigin, cookie } })
  t.assert.deepStrictEqual(me.json(), { id, ...ada })
})

/** Below /console/api. */
const served: [method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, status: number][] = [
  ['GET', '/items?limit=1', 200],
  ['POST', '/items', 422],
  ['GET', '/items/export?format=csv', 200],
  ['GET', '/items/summary', 200],
  ['POST', '/items/bulk', 422],
  ['POST', '/items/import', 415],
  ['GET', `/items/${exampleId}`, 404],
  ['GET', `/items/${exampleId.toUpperCase()}`, 404],
  ['PATCH', `/items/${exampleId}`, 404],
  ['DELETE', `/items/${exampleId}`, 404],
  ['GET', `/items/${exampleId}/changes`, 404],
  ['POST', '/store-managers', 422],
  ['GET', '/store-managers', 405],
  ['GET', '/store-managers/me', 200],
  ['POST', '/store-managers/reset-password', 422],
  ['PATCH', '/store-managers/me', 200],
  ['DELETE', '/store-managers/me', 422],
  ['GET', '/changes?limit=1', 200],
  ['GET', '/changes/feed?since=now', 200],
  ['GET', `/changes/${exampleId}`, 404],
  ['GET', `/changes/${exampleId}/items`, 404],
  ['POST', `/changes/${exampleId}/undo`, 404],
]

test('calls of the console reach the routes of its closed list', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  await signIn(ada.email)
  const { cookie } = cookieIn(await signInToConsole(send, ada.email))
  for (const [method, path, status] of served) {
    const answer = await send({
      method,
      url: `/console/api${path}`,
      headers: { ...sameOrigin, cookie },
      ...(method !== 'GET' && { payload: {} }),
    })
    t.assert.strictEqual(answer.statusCode, status, `${method} ${path}: ${answer.body}`)
    if (status === 404) t.assert.match(answer.json().code, /^(?:item|change)_not_found$/, path)
  }
})

const elsewhere = [
  '',
  '/',
  '/store-managers/token',
  '/store-managers/logout',
  '/scalar',
  '/scalar/scalar.js',
  '/openapi.json',
  '/healthz',
  '/readyz',
  '/problems/not_found',
  '/console',
  '/console/session',
  '/console/api/items',
  '/items/',
  '/items//',
  '//items',
  '/items/../items',
  '/items/../store-managers/token',
  '/./items',
  '/items/.',
  '/items%2fexport',
  '/items%2Fexport',
  '/%69tems',
  '/items/%2e%2e/store-managers/token',
  '/items/..%2f..%2fstore-managers/token',
  '/items/export%3fformat=csv',
  '/items;x',
  '/items/x',
  `/items/${exampleId}/`,
  `/items/${exampleId}/x`,
  `/items/${exampleId}%00`,
  '/Items',
  '/ITEMS',
  '/items/Export',
  '/store-managers/ME',
  '/items\\export',
  '/changes/FEED',
]

test('no other path is served below /console/api', async (t: TestContext) => {
  const { app, send, signIn } = await openApp(t)
  await signIn(ada.email)
  const { cookie } = cookieIn(await signInToConsole(send, ada.email))
  const port = await listen(app)
  const headers = `Host: localhost:80\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\nCookie: ${cookie}`
  const ask = async (method: string, path: string) => {
    const [answer] = await exchange(port, `${method} ${path} HTTP/1.1\r\n${headers}\r\n\r\n`)
    return answer?.statusCode
  }
  t.assert.strictEqual(await ask('GET', '/console/api/items?limit=1'), 200)
  for (const path of elsewhere) {
    for (const method of ['GET', 'POST']) {
      t.assert.strictEqual(await ask(method, `/console/api${path}`), 404, `${method} ${path}`)
    }
  }
  for (const prefix of [
    '/console//api',
    '//console/api',
    '/Console/api',
    '/console/API',
    '/console/%61pi',
    '/x/../console/api',
    '/console/./api',
    '/console%2fapi',
    'http://localhost/console/api',
    '/console/api#',
    '/console/api\\',
  ])
    t.assert.strictEqual(await ask('GET', `${prefix}/items?limit=1`), 404, prefix)
})

test('the document of the API does not mention the console', async (t: TestContext) => {
  const { send } = await openApp(t)
  const { paths } = (await send({ url: '/openapi.json' })).json()
  t.assert.deepStrictEqual(
    Object.keys(paths).filter((path) => path.includes('console')),
    [],
  )
})

test('an event stream of the console ends with its session', async (t: TestContext) => {
  const { app, send, signIn } = await openApp(t)
  const { post } = await signIn(ada.email)
  const { cookie } = cookieIn(await signInToConsole(send, ada.email))
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  // Fetch sets this header itself, so the request is one without TLS.
  const headers = { cookie: cookie.replace('stockroom-80', `stockroom-${port}`), accept: 'text/event-stream' }
  const url = `http://127.0.0.1:${port}/console/api/changes/feed?since=now`
  const response = await fetch(url, { headers })
  t.assert.strictEqual(response.status, 200)
  t.assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  let received = ''
  const ended = Array.fromAsync(response.body ?? [], (chunk) => {
    received += Buffer.from(chunk).toString()
  })
  await post('/items', tea)
  await until(() => received.includes(tea.name))
  const answer = await send({ method: 'DELETE', url: '/console/session', headers: { ...sameOrigin, cookie } })
  t.assert.strictEqual(answer.statusCode, 204)
  await ended.catch(() => {})
  t.assert.strictEqual((await fetch(url, { headers })).status, 401)
})
