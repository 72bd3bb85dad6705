import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'

import { listen, openApp } from '../support/app.ts'
import { exchange } from '../support/raw-http.ts'
import { until } from '../support/until.ts'

const post = 'POST /store-managers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
const smuggled = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'

// What two servers in a row may read in two ways: each is refused, and nothing that follows is taken for a request.
const ambiguous: Record<string, string> = {
  'two lengths that differ': `${post}Content-Length: 0\r\nContent-Length: 40\r\n\r\n${smuggled}`,
  'two lengths that are the same': `${post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n${smuggled}`,
  'a list of lengths': `${post}Content-Length: 0, 0\r\n\r\n${smuggled}`,
  'a length and a transfer coding': `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'a transfer coding and a length': `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${smuggled}`,
  'an unknown transfer coding': `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'a coding after chunked': `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
  'two transfer codings': `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${smuggled}`,
  'a space before the colon': `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'a folded line': `${post}X: a\r\n Content-Length: 40\r\n\r\n${smuggled}`,
  'a header that begins with a space': `POST /store-managers HTTP/1.1\r\n Host: a\r\n\r\n${smuggled}`,
  'a bare LF after a header': `${post}X: a\nContent-Length: 40\r\n\r\n${smuggled}`,
  'bare LFs alone': 'GET /healthz HTTP/1.1\nHost: a\n\n',
  'a bare CR in a header': `${post}X: a\rContent-Length: 40\r\n\r\n${smuggled}`,
  'NUL in a header': `${post}X: a\0b\r\n\r\n${smuggled}`,
  'a chunk that is longer than it says': `${post}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n${smuggled}`,
  'a chunk size with an LF': `${post}Transfer-Encoding: chunked\r\n\r\n0\n\n${smuggled}`,
  'a length after the chunks': `${post}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 40\r\n\r\n${smuggled}`,
  'a negative length': `${post}Content-Length: -1\r\n\r\n${smuggled}`,
  'no host': 'GET /healthz HTTP/1.1\r\n\r\n',
  'two hosts': 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'two hosts that are the same': 'GET /healthz HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n',
  'two Authorization headers': `${post}Authorization: Bearer a\r\nAuthorization: Bearer b\r\nConnection: close\r\n\r\n`,
  'two Content-Type headers': `${post}Content-Type: text/plain\r\nConnection: close\r\n\r\n`,
  'two hosts in HTTP/1.0': 'GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n',
}

test('an ambiguous request is refused, and nothing is smuggled behind it', async (t: TestContext) => {
  const port = await openListening(t)
  for (const [what, sent] of Object.entries(ambiguous)) {
    const answers = await exchange(port, sent)
    t.assert.deepStrictEqual(
      answers.map(({ statusCode }) => statusCode),
      [400],
      what,
    )
    t.assert.strictEqual(JSON.parse(answers[0]?.body ?? '').code, 'malformed_request', what)
  }
})

test('CONNECT ends the connection, and nothing is served behind it', async (t: TestContext) => {
  const { app, log } = await openApp(t)
  const port = await listen(app)
  for (const target of ['localhost:22', '/healthz', '*']) {
    const request = `CONNECT ${target} HTTP/1.1\r\nHost: a\r\n\r\n${smuggled}`
    for (const [sent, expected] of [
      [request, [400]],
      [smuggled + request, [200, 400]],
    ] as const) {
      const answers = await exchange(port, sent)
      t.assert.deepStrictEqual(
        answers.map(({ statusCode }) => statusCode),
        expected,
      )
      const { request_id: id } = JSON.parse(answers.at(-1)?.body ?? '')
      const lines = log.map((line) => JSON.parse(line)).filter(({ reqId }) => reqId === id)
      t.assert.deepStrictEqual(
        lines.map(({ method, status, msg }) => [method, status, msg]),
        [['CONNECT', 400, 'request']],
      )
    }
  }
})

test('a CONNECT that is reset ends neither process nor log line', async (t: TestContext) => {
  const { app, log, signIn } = await openApp(t)
  const { token } = await signIn('ada@example.com')
  const port = await listen(app)
  const follow = `GET /changes/feed?since=now HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n\r\n`
  const socket = connect(port, '127.0.0.1')
  socket.write(`${follow}CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n`)
  await once(socket, 'data')
  socket.resetAndDestroy()
  const isLogged = () => log.some((line) => line.includes('"/changes/feed"') && line.includes('"status":499'))
  await until(isLogged)
  t.assert.strictEqual((await app.inject('/healthz')).statusCode, 200)
})

test('a transfer coding other than chunked is refused', async (t: TestContext) => {
  const port = await openListening(t)
  for (const coding of [
    'gzip, chunked',
    'xchunked, chunked',
    'gzip\r\nTransfer-Encoding: chunked',
    'chunked, chunked',
  ]) {
    const answers = await exchange(port, `${post}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n${smuggled}`)
    t.assert.strictEqual(answers.length, 1, coding)
    const [{ statusCode, body } = { statusCode: 0, body: '' }] = answers
    t.assert.ok(statusCode === 501 || statusCode === 400, `${coding}: ${statusCode}`)
    t.assert.match(JSON.parse(body).code, /^(?:unsupported_transfer_coding|malformed_request)$/)
  }
})

test('bodies with Expect, chunk extensions, or trailers end correctly', async (t: TestContext) => {
  const port = await openListening(t)
  for (const body of [
    `Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}${smuggled}`,
    `Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n${smuggled}`,
  ]) {
    const statuses = (await exchange(port, post + body)).map(({ statusCode }) => statusCode)
    t.assert.deepStrictEqual(statuses, [422, 200])
  }
})

test('no response contains the Host of its request', async (t: TestContext) => {
  const port = await openListening(t)
  for (const path of ['/', '/openapi.json', '/scalar', '/items', '/nothing', '/%zz']) {
    for (const start of [`GET ${path}`, `GET http://evil.example${path}`]) {
      const forged = 'Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example'
      const [answer] = await exchange(port, `${start} HTTP/1.1\r\n${forged}\r\nConnection: close\r\n\r\n`)
      t.assert.ok(answer)
      t.assert.ok(!JSON.stringify(answer).includes('evil.example'), start)
      if (path === '/') t.assert.strictEqual(answer.headers['location'], '/scalar')
    }
  }
})

async function openListening(t: TestContext): Promise<number> {
  const { app } = await openApp(t)
  return listen(app)
}
