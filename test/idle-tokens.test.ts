import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openApp, openAppOn, openSchema, testConfig } from './support/app.ts'
import { until } from './support/until.ts'

test('SESSION_IDLE_TIMEOUT ends a token that no replica was sent', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const config = testConfig(schema, { SESSION_IDLE_TIMEOUT: '2' })
  const [here, there] = [await openAppOn(t, server, config), await openAppOn(t, server, config)]
  const [used, idle] = [await here.signIn('ada@example.com'), await here.signIn('ada@example.com')]
  const statusAt = async (app: typeof here, token: string) =>
    (await app.send({ url: '/items', headers: { authorization: `Bearer ${token}` } })).statusCode
  const since = performance.now()
  // Used on one replica alone, and asked of the other after all that time.
  while (performance.now() - since < 4_000) {
    t.assert.strictEqual(await statusAt(here, used.token), 200)
    await sleep(300)
  }
  t.assert.strictEqual(await statusAt(there, used.token), 200)
  for (const app of [there, here]) t.assert.strictEqual(await statusAt(app, idle.token), 401)
  t.assert.strictEqual((await idle.post('/items', {})).json().detail, 'The token was not used for too long.')
  await sleep(3_300)
  for (const app of [there, here]) t.assert.strictEqual(await statusAt(app, used.token), 401)
  t.assert.strictEqual((await (await here.signIn('ada@example.com')).get('/items')).statusCode, 200)
})

test('a use of a token is recorded once in a tenth of the timeout, and swept', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { signIn, context, log } = await openApp(t, { SESSION_IDLE_TIMEOUT: '600', POSTGRES_ECHO: 'true' })
  const ada = await signIn('ada@example.com')
  const uses = () => context.db.selectFrom('token_uses').selectAll().execute()
  for (let request = 0; request < 5; request++) t.assert.strictEqual((await ada.get('/items/summary')).statusCode, 200)
  t.assert.strictEqual(log.filter((line) => line.includes('insert into token_uses')).length, 1)
  t.assert.strictEqual((await uses()).length, 1)
  await context.db
    .updateTable('token_uses')
    .set({ used_at: new Date(Date.now() - 3_600_000) })
    .execute()
  t.mock.timers.tick(3_600_000)
  await until(async () => (await uses()).length === 0)
})

test('without SESSION_IDLE_TIMEOUT no use is recorded', async (t: TestContext) => {
  const { signIn, log } = await openApp(t, { POSTGRES_ECHO: 'true' })
  const ada = await signIn('ada@example.com')
  t.assert.strictEqual((await ada.get('/items')).statusCode, 200)
  t.assert.deepStrictEqual(
    log.filter((line) => line.includes('token_uses')),
    [],
  )
})
