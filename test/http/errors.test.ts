import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'

import { problems } from '../../src/problems.ts'
import { listen, onServer, openApp } from '../support/app.ts'
import { password, tea } from '../support/fixtures.ts'
import { until } from '../support/until.ts'

test('the root redirects to the documentation page', async (t: TestContext) => {
  const { send } = await openApp(t)
  const answer = await send({ url: '/' })
  t.assert.strictEqual(answer.statusCode, 307)
  t.assert.strictEqual(answer.headers.location, '/scalar')
})

test('every path may have a trailing slash', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const created = await ada.post('/items/', tea)
  t.assert.strictEqual(created.statusCode, 201)
  const path = created.headers.location
  t.assert.deepStrictEqual((await ada.get(`${path}/`)).json(), created.json())
  t.assert.deepStrictEqual((await ada.patch(`${path}/`, {})).json(), created.json())
  t.assert.deepStrictEqual((await ada.get('/items/')).json(), (await ada.get('/items')).json())
  t.assert.strictEqual((await ada.delete(`${path}/`)).statusCode, 204)
  const register = { name: 'Grace', email: 'grace@example.com', password }
  t.assert.strictEqual((await send({ method: 'POST', url: '/store-managers/', payload: register })).statusCode, 201)
  t.assert.strictEqual((await send({ method: 'POST', url: '/store-managers/token/' })).statusCode, 422)
  t.assert.strictEqual((await send({ url: '/openapi.json/' })).statusCode, 200)
  t.assert.strictEqual((await send({ url: '/scalar/' })).statusCode, 200)
  t.assert.strictEqual((await ada.get('/store-managers/logout/')).statusCode, 200)
})

test('HEAD responds as GET does, without a body', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { location = '' } = (await ada.post('/items', tea)).headers
  for (const url of ['/items', location, '/openapi.json', '/scalar', '/items/7', '/nothing']) {
    const headers = { authorization: `Bearer ${ada.token}` }
    const head = await send({ method: 'HEAD', url, headers })
    const get = await send({ url, headers })
    t.assert.strictEqual(head.statusCode, get.statusCode)
    t.assert.strictEqual(head.headers['content-type'], get.headers['content-type'])
    t.assert.strictEqual(head.body, '')
  }
})

test('an unsupported method gets 405 and Allow', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { location = '' } = (await ada.post('/items', tea)).headers
  const allowed = {
    '/': 'GET, HEAD',
    '/scalar': 'GET, HEAD',
    '/openapi.json': 'GET, HEAD',
    '/store-managers': 'POST',
    '/store-managers/token/': 'POST',
    '/store-managers/logout': 'GET, POST',
    '/items': 'GET, HEAD, POST',
    [location]: 'DELETE, GET, HEAD, PATCH',
  }
  for (const [url, allow] of Object.entries(allowed)) {
    for (const method of ['PUT', 'OPTIONS', 'TRACE', 'PROPFIND'] as const) {
      const refused = await send({
        method,
        url,
        headers: { 'content-type': 'text/xml' },
        payload: '<a/>',
      })
      t.assert.strictEqual(refused.statusCode, 405)
      t.assert.strictEqual(refused.headers.allow, allow)
      t.assert.strictEqual(refused.json().code, 'method_not_allowed')
    }
  }
})

test('an unknown path gets 404 whatever the method, token, and body', async (t: TestContext) => {
  const { send } = await openApp(t)
  for (const url of ['/nothing', '/items/a/b', '/item', '/store-managers/1', '//items', '/Items']) {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'] as const) {
      const refused = await send({ method, url, headers: { 'content-type': 'text/xml' }, payload: '<a/>' })
      t.assert.strictEqual(refused.statusCode, 404)
      t.assert.strictEqual(refused.json().code, 'not_found')
    }
  }
})

test('every error is a problem with type, code, and request ID', async (t: TestContext) => {
  const { send } = await openApp(t)
  const refused = await send({ url: '/items', headers: { 'x-request-id': 'trace-1' } })
  t.assert.strictEqual(refused.headers['content-type'], 'application/problem+json')
  t.assert.strictEqual(refused.headers['x-request-id'], 'trace-1')
  t.assert.deepStrictEqual(refused.json(), {
    type: '/problems/missing_token',
    title: problems.missing_token[1],
    status: 401,
    detail: 'Missing header: Authorization: Bearer <token>.',
    code: 'missing_token',
    request_id: 'trace-1',
  })
})

test('a request ID that is unfit for a log is replaced', async (t: TestContext) => {
  const { send } = await openApp(t)
  for (const given of ['a b', 'x'.repeat(65), '{"a":1}']) {
    const { headers } = await send({ url: '/nothing', headers: { 'x-request-id': given } })
    t.assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/)
  }
})

for (const [what, body] of [
  ['cut off', '{"name":'],
  ['not JSON', 'name=Tea'],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['one with a number that no number is', '{"price_usd":1.}'],
  ['a password, which is not quoted back', '{"password":"hunter2hunter2"'],
] as const) {
  test(`a body that is ${what} gets 400`, async (t: TestContext) => {
    const { signIn } = await openApp(t)
    const ada = await signIn('ada@example.com')
    const refused = await ada.post('/items', body, { 'content-type': 'application/json' })
    t.assert.strictEqual(refused.statusCode, 400)
    t.assert.strictEqual(refused.json().code, 'malformed_body')
    t.assert.ok(!refused.body.includes('hunter2'))
  })
}

for (const [what, body] of [
  ['null', 'null'],
  ['a list', '[]'],
  ['text', '"Tea"'],
  ['a number', '12'],
  ['nothing', ''],
] as const) {
  test(`a body that is ${what} gets 422`, async (t: TestContext) => {
    const { signIn } = await openApp(t)
    const ada = await signIn('ada@example.com')
    const refused = await ada.post('/items', body, { 'content-type': 'application/json' })
    t.assert.strictEqual(refused.statusCode, 422)
    t.assert.deepStrictEqual(refused.json().errors, [
      { type: 'model_attributes_type', loc: ['body'], msg: 'must be an object' },
    ])
  })
}

test('JSON may have a byte order mark and a charset', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const created = await ada.post('/items', `\uFEFF${JSON.stringify(tea)}`, {
    'content-type': 'application/json; charset=utf-8',
  })
  t.assert.strictEqual(created.statusCode, 201)
  t.assert.strictEqual(created.json().name, tea.name)
})

test('a body of another media type gets 415', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const type of [
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ]) {
    const refused = await ada.post('/items', JSON.stringify(tea), { 'content-type': type })
    t.assert.strictEqual(refused.statusCode, 415)
    t.assert.strictEqual(refused.json().code, 'unsupported_media_type')
  }
})

test('a media type without a body is accepted where none is needed', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
    const { location = '' } = (await ada.post('/items', tea)).headers
    const deleted = await ada.delete(location, '', { 'content-type': type, 'content-length': '0' })
    t.assert.strictEqual(deleted.statusCode, 204)
  }
})

test('a body over 64 KiB gets 413, one just below it is read', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const bodyOf = (bytes: number) =>
    JSON.stringify({ ...tea, more: 'x'.repeat(bytes - JSON.stringify({ ...tea, more: '' }).length) })
  t.assert.strictEqual(
    (await ada.post('/items', bodyOf(64 * 1024), { 'content-type': 'application/json' })).statusCode,
    201,
  )
  const refused = await ada.post('/items', bodyOf(64 * 1024 + 1), { 'content-type': 'application/json' })
  t.assert.strictEqual(refused.statusCode, 413)
  t.assert.strictEqual(refused.json().code, 'body_too_large')
})

test('HEAD does not log out', async (t: TestContext) => {
  const { send, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const headers = { authorization: `Bearer ${ada.token}` }
  const refused = await send({ method: 'HEAD', url: '/store-managers/logout', headers })
  t.assert.strictEqual(refused.statusCode, 405)
  t.assert.strictEqual(refused.headers.allow, 'GET, POST')
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
})

test('a compressed body, or one in another charset, gets 415', async (t: TestContext) => {
  const { send, logIn, register } = await openApp(t)
  await register('ada@example.com')
  const payload = JSON.stringify({ name: 'Grace', email: 'grace@example.com', password })
  const json = 'application/json'
  for (const headers of [
    { 'content-type': json, 'content-encoding': 'gzip' },
    { 'content-type': json, 'content-encoding': 'br' },
    { 'content-type': `${json}; charset=utf-16` },
    { 'content-type': `${json}; charset="latin1"` },
  ]) {
    const refused = await send({ method: 'POST', url: '/store-managers', headers, payload })
    t.assert.strictEqual(refused.statusCode, 415, JSON.stringify(headers))
    t.assert.strictEqual(refused.json().code, 'unsupported_media_type')
    t.assert.strictEqual(refused.headers['accept-encoding'], 'content-encoding' in headers ? 'identity' : undefined)
  }
  const token = { method: 'POST', url: '/store-managers/token' } as const
  const form = 'application/x-www-form-urlencoded'
  const refused = await send({
    ...token,
    headers: { 'content-type': form, 'content-encoding': 'gzip' },
    payload: 'a=b',
  })
  t.assert.strictEqual(refused.statusCode, 415)
  t.assert.strictEqual((await logIn('ada@example.com')).statusCode, 200)
})

test('a client that sends a large body before it reads sees why it was refused', async (t: TestContext) => {
  const { app, signIn } = await openApp(t, { IMPORT_LIMIT: '1' })
  const { token } = await signIn('ada@example.com')
  const port = await listen(app)
  const body = Buffer.alloc(12 * 2 ** 20, ' ')
  const bearer = `Authorization: Bearer ${token}\r\n`
  for (const [request, type, headers, status] of [
    ['POST /items', 'application/json', bearer, 413],
    ['POST /items', 'text/plain', bearer, 415],
    ['POST /items', 'application/json', `${bearer}Connection: close\r\n`, 413],
    ['PATCH /items/019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70', 'application/json', bearer, 413],
    ['POST /items/import', 'text/csv', bearer, 413],
    ['POST /items/import', 'text/html', bearer, 415],
    ['POST /items', 'application/json', '', 401],
    ['POST /store-managers/token', 'application/x-www-form-urlencoded', '', 413],
    ['POST /store-managers', 'application/json', 'Connection: close\r\n', 413],
    ['POST /items/%zz', 'application/json', bearer, 400],
    ['POST /items/%zz', 'application/json', `${bearer}Connection: close\r\n`, 400],
  ] as const) {
    const client = connect({ host: '127.0.0.1', port }).pause()
    const head = `${request} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${headers}Content-Length: ${body.length}\r\n\r\n`
    client.write(head)
    await new Promise((sent, failed) => client.once('error', failed).write(body, sent))
    const [response] = await once(client.resume(), 'data')
    t.assert.match(String(response), new RegExp(`^HTTP/1.1 ${status} `), `${request} as ${type}`)
    client.destroy()
  }
})

test('a client that disconnects is logged with status 499', async (t: TestContext) => {
  const { app, context, log } = await openApp(t, { LOG_LEVEL: 'info' })
  const port = await listen(app)
  const ready = Promise.withResolvers<'ready'>()
  const check = t.mock.method(context.readiness, 'check', () => ready.promise)
  const done = t.mock.method(context.connections, 'markIdle')
  const client = connect({ host: '127.0.0.1', port })
  client.write('GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => check.mock.callCount() === 1)
  client.destroy()
  const written = () => log.filter((line) => JSON.parse(line).msg === 'request')
  await until(() => written().length === 1)
  ready.resolve('ready')
  await until(() => done.mock.callCount() === 1)
  const lines = written()
  t.assert.strictEqual(lines.length, 1)
  const { route, status, level } = JSON.parse(lines[0] ?? '')
  t.assert.deepStrictEqual({ route, status, level }, { route: '/readyz', status: 499, level: 30 })
})

test('a malformed path gets 400', async (t: TestContext) => {
  const { send } = await openApp(t)
  const refused = await send({ url: '/items/%zz' })
  t.assert.strictEqual(refused.statusCode, 400)
  t.assert.strictEqual(refused.json().code, 'malformed_request')
  t.assert.ok(refused.headers['x-request-id'])
})

test('invalid HTTP gets a problem and ends the connection', async (t: TestContext) => {
  const port = await openListening(t)
  const answers = {
    'nonsense\r\n\r\n': [400, 'malformed_request'],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`]: [431, 'headers_too_large'],
    'GET / HTTP/1.1\r\nConnection: close\r\n\r\n': [400, 'malformed_request'],
    'GET /items HTTP/1.1\r\nHost: a\r\nExpect: junk\r\nConnection: close\r\n\r\n': [401, 'missing_token'],
    'POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n': [400, 'malformed_request'],
    'POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n': [
      400,
      'malformed_request',
    ],
  }
  for (const [bytes, [status, code]] of Object.entries(answers)) {
    const answer = await exchange(port, bytes)
    t.assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
    t.assert.match(answer, /\r\nContent-Type: application\/problem\+json\r\n/i)
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
    t.assert.strictEqual(problem.code, code)
    t.assert.ok(answer.toLowerCase().includes(`x-request-id: ${problem.request_id}\r\n`))
  }
})

test('a client that hangs up during a request does no harm', async (t: TestContext) => {
  const { app } = await openApp(t)
  const port = await listen(app)
  const socket = connect(port, '127.0.0.1')
  const [connection] = (await once(app.server, 'connection')) as [Socket]
  connection.on('error', () => {})
  socket.write('POST /items HTTP/1.1\r\nHost: a\r\nContent-')
  await until(() => connection.bytesRead > 0)
  socket.resetAndDestroy()
  await until(() => connection.closed)
  t.assert.match(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 307 /)
})

test('an unexpected error is a bare 500, logged once with the request ID', async (t: TestContext) => {
  const { signIn, context, log } = await openApp(t)
  const ada = await signIn('ada@example.com')
  t.mock.method(context.revocations, 'findRevoked', async () => {
    throw new Error('a bug in words that no client may see')
  })
  const answer = await ada.get('/items')
  t.assert.strictEqual(answer.statusCode, 500)
  const { request_id, ...problem } = answer.json()
  t.assert.deepStrictEqual(problem, {
    type: '/problems/internal_error',
    title: 'Internal error',
    status: 500,
    detail: 'Internal server error. The failure has been logged.',
    code: 'internal_error',
  })
  const lines = log.map((line) => JSON.parse(line)).filter(({ err }) => err)
  t.assert.strictEqual(lines.length, 1)
  t.assert.strictEqual(lines[0].reqId, request_id)
  t.assert.strictEqual(lines[0].err.message, 'a bug in words that no client may see')
})

test("PostgreSQL's error messages stay in the log", async (t: TestContext) => {
  const { signIn, server, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { location = '' } = (await ada.post('/items', tea)).headers
  await onServer(server, `alter table ${context.config.pool.schema}.items rename to things`)
  const answers = [
    await ada.get('/items'),
    await ada.get(location),
    await ada.post('/items', tea),
    await ada.delete(location),
  ]
  for (const { statusCode, body } of answers) {
    t.assert.strictEqual(statusCode, 500)
    t.assert.doesNotMatch(body.replace('/problems/', ''), /items|relation|select|insert|\.[jt]s|\/|42P01/)
  }
})

test('a request is one log line: ID, method, route, status, duration', async (t: TestContext) => {
  const { signIn, log } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { location = '' } = (await ada.post('/items', tea)).headers
  log.length = 0
  const { headers } = await ada.get(`${location}?expand=store_manager`)
  t.assert.strictEqual(log.length, 1)
  const { reqId, method, route, status, ms } = JSON.parse(log[0] ?? '')
  t.assert.deepStrictEqual(
    { reqId, method, route, status },
    { reqId: headers['x-request-id'], method: 'GET', route: '/items/:id', status: 200 },
  )
  t.assert.ok(ms > 0 && ms < 10_000)
})

test('the log has no password, hash, or token', async (t: TestContext) => {
  const { signIn, register, logIn, send, log, context } = await openApp(t, {
    POSTGRES_ECHO: 'true',
    LOG_LEVEL: 'trace',
  })
  const ada = await signIn('ada@example.com')
  await register('ada@example.com')
  await register('not an address')
  await logIn('ada@example.com', 'wrong horse battery')
  await send({
    method: 'POST',
    url: '/store-managers',
    payload: `{"password":"${password}`,
    headers: { 'content-type': 'application/json' },
  })
  await send({ url: `/items?token=${ada.token}`, headers: { authorization: `Bearer ${ada.token}` } })
  await ada.get(`/${ada.token}`)
  await ada.post('/store-managers/logout')
  context.log.warn(
    { password, password_hash: '$2b$', body: { password }, authorization: ada.token, access_token: ada.token },
    'careless',
  )
  const { signature } = { signature: ada.token.split('.')[2] ?? '' }
  const everything = log.join('\n')
  t.assert.ok(
    log.some((line) => line.includes('insert into')),
    'statements are echoed',
  )
  t.assert.ok(
    log.some((line) => line.includes('careless')),
    'and the careless line is there',
  )
  for (const secret of [password, 'wrong horse battery', '$2b$', signature]) t.assert.ok(!everything.includes(secret))
})

async function openListening(t: TestContext): Promise<number> {
  const { app } = await openApp(t)
  return listen(app)
}

async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(bytes)
  return text(socket)
}

test('a client that disconnects during its body is not logged as a bug', async (t: TestContext) => {
  const { app, log, signIn } = await openApp(t)
  const { token } = await signIn('ada@example.com')
  const port = await listen(app)
  const head = `Host: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 100\r\n`
  for (const [path, type] of [
    ['/items', 'application/json'],
    ['/items/import', 'text/csv'],
    ['/store-managers/token', 'application/x-www-form-urlencoded'],
  ]) {
    const client = connect({ host: '127.0.0.1', port }).on('error', () => {})
    client.write(`POST ${path} HTTP/1.1\r\n${head}Content-Type: ${type}\r\n\r\n{`)
    await once(app.server, 'request')
    client.resetAndDestroy()
  }
  await until(() => log.filter((line) => line.includes('"status":499')).length === 3)
  const lines = log.map((line) => JSON.parse(line)).filter(({ route }) => /import|token$|^\/items$/.test(route ?? ''))
  t.assert.deepStrictEqual(
    lines.map(({ status }) => status),
    [200, 499, 499, 499],
  )
  t.assert.deepStrictEqual(
    log.filter((line) => JSON.parse(line).level >= 40),
    [],
  )
})

test('a body of more arrays, objects, and members than 1,000 is refused', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const type = { 'content-type': 'application/json' }
  const bodies: Record<string, (parts: number) => string> = {
    arrays: (parts) => `[${'[],'.repeat(parts - 2)}[]]`,
    objects: (parts) => `[${'{},'.repeat(parts - 2)}{}]`,
    nested: (parts) => `${'['.repeat(parts)}${']'.repeat(parts)}`,
    members: (parts) => `{${Array.from({ length: parts - 1 }, (_, n) => `"${n}":0`).join()}}`,
  }
  for (const [name, body] of Object.entries(bodies)) {
    for (const path of ['/items', '/items/bulk']) {
      t.assert.strictEqual((await ada.post(path, body(1_000), type)).json().code, 'invalid_request', name)
      const refused = (await ada.post(path, body(1_001), type)).json()
      t.assert.deepStrictEqual([refused.status, refused.code], [400, 'malformed_body'], name)
      t.assert.match(refused.detail, /^The body has more than 1,000 arrays, /)
    }
  }
  const name = `\\"${'[{:'.repeat(1_000)}`
  t.assert.strictEqual((await ada.post('/items', { ...tea, name })).json().errors[0].loc[1], 'name')
})
