import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { openApp, openAppOn, openSchema, testConfig } from '../support/app.ts'
import { until } from '../support/until.ts'

test('a logout everywhere ends all earlier tokens of its manager alone', async (t: TestContext) => {
  const { server, schema } = await openSchema(t)
  const here = await openAppOn(t, server, testConfig(schema))
  const there = await openAppOn(t, server, testConfig(schema))
  for (const method of ['GET', 'POST'] as const) {
    const phone = await here.signIn('ada@example.com')
    const laptop = await here.signIn('ada@example.com')
    const grace = await here.signIn('grace@example.com')
    const statuses = async () => {
      const answers: number[] = []
      for (const app of [here, there]) {
        for (const { token } of [phone, laptop, grace]) {
          const { statusCode } = await app.send({ url: '/items', headers: { authorization: `Bearer ${token}` } })
          answers.push(statusCode)
        }
      }
      return answers
    }
    t.assert.deepStrictEqual(await statuses(), [200, 200, 200, 200, 200, 200])
    const headers = { authorization: `Bearer ${phone.token}` }
    const answer = await there.send({ method, url: '/store-managers/logout?scope=all', headers })
    t.assert.deepStrictEqual(answer.json(), { message: 'Logged out successfully' })
    t.assert.deepStrictEqual(await statuses(), [401, 401, 200, 401, 401, 200])
    t.assert.strictEqual((await phone.get('/items')).json().detail, 'The token has been revoked.')
  }
  const again = await here.signIn('ada@example.com')
  t.assert.strictEqual((await again.get('/items')).statusCode, 200)
  t.assert.strictEqual((await again.get('/store-managers/logout?scope=some')).statusCode, 422)
})

test('revocations are swept an hour after their token has expired', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { context, signIn } = await openApp(t)
  const { id: sub } = await signIn('ada@example.com')
  const minutes = [-61, -59, 59]
  const records = minutes.map((minute) => ({
    jti: randomUUID(),
    store_manager_id: sub,
    expires_at: new Date(Date.now() + minute * 60_000),
    revoked_at: new Date(),
  }))
  await context.db.insertInto('revoked_tokens').values(records).execute()
  t.mock.timers.tick(3_600_000)
  const count = () => context.db.selectFrom('revoked_tokens').select('jti').execute()
  await until(async () => (await count()).length < minutes.length)
  t.assert.strictEqual((await count()).length, 2)
})

test('a logout of a manager who has just been deleted gets 401', async (t: TestContext) => {
  const { context } = await openApp(t)
  const deleted = {
    sub: randomUUID(),
    jti: randomUUID(),
    exp: Math.floor(Date.now() / 1000) + 60,
    issuedAt: 0,
    generation: 0,
    worksElsewhere: false,
  }
  await t.assert.rejects(context.revocations.revoke(deleted), { code: 'invalid_token' })
  await t.assert.rejects(context.revocations.revokeAll(deleted), { code: 'invalid_token' })
})
