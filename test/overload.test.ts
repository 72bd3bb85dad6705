import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'

import { openPasswords } from '../src/auth/passwords.ts'
import { openGate } from '../src/gate.ts'
import { openApp } from './support/app.ts'

test('requests beyond the limit are told to come again at once, and those before them are answered', async (t: TestContext) => {
  const { signIn, send, log } = await openApp(t, { LIMIT_CONCURRENCY: '4' })
  const ada = await signIn('ada@example.com')
  const answers = await Promise.all(Array.from({ length: 20 }, () => ada.get('/items')))
  const refused = answers.filter(({ statusCode }) => statusCode === 503)
  t.assert.deepStrictEqual(answers.map(({ statusCode }) => statusCode).toSorted(), [
    ...Array.from({ length: 4 }, () => 200),
    ...Array.from({ length: 16 }, () => 503),
  ])
  for (const answer of refused) {
    t.assert.strictEqual(answer.json().code, 'too_busy')
    t.assert.strictEqual(answer.headers['retry-after'], '1')
  }
  t.assert.strictEqual(log.filter((line) => line.includes('more requests than can be served')).length, 1)
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  t.assert.strictEqual((await send({ url: '/' })).statusCode, 307)
})

test('the process says that it is alive however much there is to do', async (t: TestContext) => {
  const { signIn, send } = await openApp(t, { LIMIT_CONCURRENCY: '1' })
  const ada = await signIn('ada@example.com')
  const [listed, refused, health] = await Promise.all([ada.get('/items'), ada.get('/items'), send({ url: '/healthz' })])
  t.assert.deepStrictEqual([listed.statusCode, refused.statusCode, health.statusCode], [200, 503, 200])
  t.assert.strictEqual(health.body, 'ok')
})

test('clients that never end their bodies, or go away, keep nobody out', async (t: TestContext) => {
  const { app, signIn } = await openApp(t, { LIMIT_CONCURRENCY: '2' })
  const ada = await signIn('ada@example.com')
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const head = `Host: a\r\nAuthorization: Bearer ${ada.token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`
  const slow = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(`POST /items HTTP/1.1\r\n${head}`)
      return socket
    }),
  )
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  for (const socket of slow) socket.destroy()
  for (let request = 0; request < 8; request++) {
    const socket = connect({ host: '127.0.0.1', port })
    socket.write(`GET /items HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ada.token}\r\n\r\n`)
    await once(socket, 'data')
    socket.destroy()
  }
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  t.assert.strictEqual((await ada.post('/items', {})).statusCode, 422)
})

test('a gate lets as many in as it has places, and lets as many wait as it says', async (t: TestContext) => {
  const gate = openGate({ places: 1, queue: 1, patience: 50 })
  const release = Promise.withResolvers<void>()
  const first = gate.run(() => release.promise)
  const second = gate.run(async () => 'in time')
  await t.assert.rejects(gate.enter(), { code: 'too_busy' })
  release.resolve()
  await first
  t.assert.strictEqual(await second, 'in time')
  const leave = await gate.enter()
  await t.assert.rejects(gate.enter(), { code: 'too_busy' })
  leave()
  t.assert.strictEqual(await gate.run(async () => 'again'), 'again')
})

test('passwords that can not be looked at soon are refused', async (t: TestContext) => {
  const passwords = openPasswords(10)
  const hashes = await Promise.allSettled(Array.from({ length: 200 }, () => passwords.hash('correct horse battery')))
  const refused = hashes.filter(({ status }) => status === 'rejected')
  t.assert.ok(refused.length > 0)
  for (const each of refused) t.assert.strictEqual(each.status === 'rejected' && each.reason.code, 'too_busy')
})
