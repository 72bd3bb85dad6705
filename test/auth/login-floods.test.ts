import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import bcrypt from 'bcrypt'

import { form, openApp, type TestApp } from '../support/app.ts'
import { password } from '../support/fixtures.ts'
import { until } from '../support/until.ts'

// At this cost a hash takes about 50 ms, so that the queue of hashes fills.
const env = { BCRYPT_COST: '10', TRUST_PROXY: '1' }

const flooded = 'ada@example.com'

const floods: [what: string, send: (app: TestApp, client: number) => Promise<unknown>][] = [
  ['right logins of one account from one address', (app) => logIn(app, flooded, '192.0.2.1')],
  ['right logins of one account from 80 addresses', (app, client) => logIn(app, flooded, `192.0.2.${client}`)],
  ['logins of 80 unknown accounts from one address', (app, client) => logIn(app, `${client}@example.com`, '192.0.2.1')],
  [
    'registrations from one address',
    (app, client) => {
      const payload = { name: 'Eve', email: `${client}-${Math.random()}@example.com`, password }
      return post(app, '/store-managers', '192.0.2.1', { payload })
    },
  ],
]

for (const [what, send] of floods) {
  test(`a flood of ${what} spares others`, async (t: TestContext) => {
    const app = await openApp(t, env)
    await app.register(flooded)
    await app.register('grace@example.com')
    await using flood = startFlood((client) => send(app, client))
    for (let visitor = 1; visitor <= 4; visitor++) {
      const answer = await logIn(app, 'grace@example.com', `198.51.100.${visitor}`)
      t.assert.strictEqual(answer.statusCode, 200)
    }
    await until(() => flood.responses > 80, 60_000)
  })
}

test('the owner of a flooded account logs in from another address', async (t: TestContext) => {
  const limits = { LOGIN_LIMIT_PER_ADDRESS: '100', LOGIN_LIMIT_PER_ACCOUNT: '20' }
  const app = await openApp(t, { ...env, ...limits })
  await app.register(flooded)
  await using flood = startFlood(() => logIn(app, flooded, '192.0.2.1', 'wrong horse battery'))
  await until(async () => (await logIn(app, flooded, '198.51.100.1')).statusCode === 200, 60_000)
  t.assert.ok(flood.responses > 0)
})

test('successful logins count toward ten times the limit of failed ones', async (t: TestContext) => {
  const app = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1', TRUST_PROXY: '1' })
  await app.register(flooded)
  for (let login = 0; login < 10; login++) {
    t.assert.strictEqual((await logIn(app, flooded, '192.0.2.1')).statusCode, 200)
  }
  const refused = await logIn(app, flooded, '192.0.2.1')
  t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [429, 'too_many_logins'])
  t.assert.ok(Number(refused.headers['retry-after']) > 800)
  t.assert.strictEqual((await logIn(app, flooded, '192.0.2.2')).statusCode, 200)
})

test('a weak new password is refused before the current one is hashed', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn(flooded)
  const compare = t.mock.method(bcrypt, 'compare')
  const weak = await ada.patch('/store-managers/me', { password: 'password1', current_password: password })
  t.assert.deepStrictEqual([weak.statusCode, weak.json().errors[0].loc], [422, ['body', 'password']])
  t.assert.strictEqual(compare.mock.callCount(), 0)
})

/** Keeps 80 clients sending until it is disposed of. */
function startFlood(send: (client: number) => Promise<unknown>) {
  const flood = {
    isOver: false,
    responses: 0,
    async [Symbol.asyncDispose]() {
      flood.isOver = true
      await Promise.all(clients)
    },
  }
  const clients = Array.from({ length: 80 }, async (_, client) => {
    while (!flood.isOver) {
      await send(client)
      flood.responses++
      await sleep(20)
    }
  })
  return flood
}

function logIn(app: TestApp, username: string, from: string, plain = password) {
  return post(app, '/store-managers/token', from, form({ username, password: plain }))
}

function post(
  app: TestApp,
  url: string,
  from: string,
  { payload, headers = {} }: { payload: string | object; headers?: object },
) {
  return app.send({ method: 'POST', url, payload, headers: { ...headers, 'x-forwarded-for': from } })
}
