import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Token } from '../../src/auth/claims.ts'
import type { Revocations } from '../../src/auth/revocations.ts'
import { openTokenCheck } from '../../src/auth/token-check.ts'
import { openMetrics } from '../../src/observability/metrics/metrics.ts'
import { listen, openApp, openAppOn, openSchema, testConfig } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'

const token: Token = {
  sub: '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70',
  jti: '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a71',
  exp: Math.floor(Date.now() / 1000) + 3600,
  issuedAt: 0,
  generation: 0,
  worksElsewhere: false,
}

test('a token check is recent for a second from its begin', async (t: TestContext) => {
  let delayMs = 0
  const findRevoked = async () => {
    await sleep(delayMs)
    return new Map()
  }
  const { checkToken, wasJustChecked } = openTokenCheck({ findRevoked } as unknown as Revocations, {
    metrics: openMetrics(),
    tracer: undefined,
  })
  t.assert.strictEqual(wasJustChecked(token), false)
  const begun = performance.now()
  await checkToken(token)
  t.assert.ok(wasJustChecked(token) || performance.now() - begun >= 1_000)
  await sleep(1_100)
  t.assert.strictEqual(wasJustChecked(token), false)
  delayMs = 1_100
  await checkToken(token)
  t.assert.strictEqual(wasJustChecked(token), false)
})

test('a check by a standby neither admits nor refuses a token', async (t: TestContext) => {
  const { context } = await openApp(t)
  // The row of a server in recovery, to which a pooler leads only at a moment that a test cannot choose.
  const standby = async () => [{ subject: null, generation: null, kept: null, is_disabled: null }]
  await t.assert.rejects(context.revocations.findRevoked([token], standby), { code: 'store_unavailable' })
})

test('the engine of Citus reads an item apart from the record of tokens', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const app = await openAppOn(t, { ...server, isCitus: true }, testConfig(schema, { POSTGRES_ECHO: 'true' }))
  const ada = await app.signIn('ada@example.com')
  const created = await ada.post('/items', tea)
  const url = `/items/${created.json().id}`
  t.assert.deepStrictEqual((await ada.get(url)).json(), created.json())
  const statements = app.log.filter((line) => line.includes('from revoked_tokens'))
  t.assert.ok(statements.length > 0)
  t.assert.ok(!statements.join('').includes('items'))
  await ada.post('/store-managers/logout')
  t.assert.strictEqual((await ada.get(url)).statusCode, 401)
})

test('a write with an ended token is refused before its body arrives', async (t: TestContext) => {
  const { app, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  await ada.post('/store-managers/logout')
  t.assert.strictEqual((await ada.get('/items')).statusCode, 401)
  const port = await listen(app)
  const headers = { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json', 'content-length': '100' }
  const sent = request({ port, method: 'POST', path: '/items', headers, signal: AbortSignal.timeout(20_000) })
  sent.flushHeaders()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  t.assert.strictEqual(response.statusCode, 401)
  sent.destroy()
})
