import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'

import { drain } from '../../src/lifecycle/drain.ts'
import { listen } from '../../src/lifecycle/listen.ts'
import { openApp } from '../support/app.ts'
import { sendRequest, isRefused, openConnection } from '../support/http-client.ts'
import { eventually, until } from '../support/until.ts'

// What localhost may be on a machine with IPv6, on one without.
const addresses = ['127.0.0.1', '127.0.0.2']
const nowhere = '192.0.2.1'

test('a host with several addresses is served on each, with one limit', async (t: TestContext) => {
  const { app } = await openApp(t, { LIMIT_CONNECTIONS: '2' })
  const { port } = await listen(app, { host: 'localhost', port: 0 }, async () => [...addresses, nowhere])
  for (const address of addresses) {
    const { status, body } = await sendRequest({ url: `http://${address}:${port}/healthz` })
    t.assert.deepStrictEqual([status, body], [200, 'ok'])
  }
  const idle = [...addresses, ...addresses].map((address) => connect({ host: address, port }))
  t.after(() => idle.forEach((socket) => socket.destroy()))
  await until(() => idle.filter(({ closed }) => closed).length === 2)
  const refused = connect({ host: String(addresses[1]), port })
  const said = await new Promise((resolve) => refused.once('data', resolve).write('nonsense\r\n\r\n'))
  t.assert.match(String(said), /^HTTP\/1.1 400 .*malformed_request/s)
})

test('a host with several addresses is drained on each', async (t: TestContext) => {
  const { app, context } = await openApp(t)
  const listener = await listen(app, { host: 'localhost', port: 0 }, async () => addresses)
  const clients = addresses.map((address) => ({
    url: `http://${address}:${listener.port}/readyz`,
    agent: openConnection(),
  }))
  const ready = Promise.withResolvers<'ready'>()
  const check = t.mock.method(context.readiness, 'check', () => ready.promise)
  const answers = clients.map(sendRequest)
  await until(() => check.mock.callCount() === 2)
  const ended = drain(app, listener, { ...context, drainDelayMs: context.config.drainDelayMs }, new Promise(() => {}))
  for (const { url } of clients) await until(() => isRefused(url))
  ready.resolve('ready')
  for (const { status } of await Promise.all(answers)) t.assert.strictEqual(status, 200)
  for (const client of clients) {
    const { status } = await eventually(
      () => sendRequest(client),
      ({ headers }) => headers.connection === 'close',
    )
    t.assert.strictEqual(status, 200)
  }
  await ended
})
