import { createHmac, randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { openApp, openAppOn, openSchema, secret, testConfig } from '../support/app.ts'
import { until } from '../support/until.ts'

test('SESSION_IDLE_TIMEOUT ends a token that no replica has received', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const config = testConfig(schema, { SESSION_IDLE_TIMEOUT: '600' })
  const here = await openAppOn(t, server, config)
  const there = await openAppOn(t, server, config)
  const { id: sub } = await here.signIn('ada@example.com')
  const now = Math.floor(Date.now() / 1_000)
  const statusesOf = async (lastUse: number | undefined) => {
    const jti = randomUUID()
    const token = sign({ sub, jti, iat: now - 2_000, exp: now + 3_600 })
    const use = { jti, used_at: new Date((now - (lastUse ?? 0)) * 1_000) }
    if (lastUse !== undefined) await here.context.db.insertInto('token_uses').values(use).execute()
    const ask = ({ send }: typeof here) => send({ url: '/items', headers: { authorization: `Bearer ${token}` } })
    const answers = [await ask(here), await ask(there)]
    return answers.map(({ statusCode }) => statusCode)
  }
  t.assert.deepStrictEqual(await statusesOf(590), [200, 200])
  t.assert.deepStrictEqual(await statusesOf(670), [401, 401])
  t.assert.deepStrictEqual(await statusesOf(undefined), [401, 401])
})

test('token use is recorded once per tenth of the timeout, then swept', async (t: TestContext) => {
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
  const recent = { jti: randomUUID(), used_at: new Date(Date.now() - 590_000) }
  await context.db.insertInto('token_uses').values(recent).execute()
  t.mock.timers.tick(3_600_000)
  await until(async () => (await uses()).length < 2)
  t.assert.deepStrictEqual(await uses(), [recent])
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

function sign(claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`
}
