import { test, type TestContext } from 'node:test'

import { disable, enable } from '../../src/operator/managers.ts'
import { type Manager, openAppOn, openSchema, testConfig } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'

const lifted = { LOGIN_LIMIT_PER_ADDRESS: '0', LOGIN_LIMIT_PER_ACCOUNT: '0' }
const detail = 'This account is disabled. Ask the operator.'

/** Two replicas, at one of which Ada has an item. */
async function openReplicas(t: TestContext) {
  const { server, schema } = await openSchema(t)
  const here = await openAppOn(t, server, testConfig(schema, lifted))
  const elsewhere = await openAppOn(t, server, testConfig(schema, lifted))
  const ada = await here.signIn('ada@example.com')
  const itemId: string = (await ada.post('/items', tea)).json().id
  return { here, elsewhere, ada, itemId, db: here.context.db }
}

test('a disabled manager is refused in the next request on every replica', async (t: TestContext) => {
  const { here, elsewhere, ada, itemId, db } = await openReplicas(t)
  const requests = requestsTo(itemId)
  for (const { send } of [here, elsewhere]) await sendAll(send, ada.token, [requests[0] ?? []])
  t.assert.strictEqual((await disable(db, 'ADA@example.com'))?.id, ada.id)
  for (const { send } of [elsewhere, here]) {
    for (const answer of await sendAll(send, ada.token, requests)) {
      t.assert.deepStrictEqual(
        [answer.statusCode, answer.json().code, answer.json().detail],
        [401, 'invalid_token', detail],
      )
      t.assert.match(String(answer.headers['www-authenticate']), /^Bearer error="invalid_token"/)
    }
  }
})

test('a disabled manager keeps their items and their email address', async (t: TestContext) => {
  const { elsewhere, ada, itemId, db } = await openReplicas(t)
  await disable(db, ada.id)
  const bob = await elsewhere.signIn('bob@example.com')
  const { store_manager: owner } = (await bob.get(`/items/${itemId}?expand=store_manager`)).json()
  t.assert.deepStrictEqual(owner, { id: ada.id, name: 'Ada Lovelace' })
  t.assert.strictEqual((await elsewhere.register('Ada@example.com')).json().code, 'email_taken')
})

test('a login reveals a disabled account only with its password', async (t: TestContext) => {
  const { here, elsewhere, ada, db } = await openReplicas(t)
  await here.register('bob@example.com')
  await disable(db, ada.id)
  const refused = await elsewhere.logIn('ada@example.com')
  t.assert.strictEqual(refused.statusCode, 401)
  const { code, error, error_description: description } = refused.json()
  t.assert.deepStrictEqual([code, error, description], ['account_disabled', 'invalid_grant', detail])
  const events = elsewhere.log.filter((line) => line.includes('disabled_account_refused'))
  t.assert.deepStrictEqual(
    events.map((line) => JSON.parse(line).manager),
    [ada.id],
  )
  const wrong = ['ada@example.com', 'bob@example.com', 'nobody@example.com'].map(async (email) => {
    const { statusCode, headers, body } = await elsewhere.logIn(email, 'not the password')
    const { 'x-request-id': id, date: _, ...others } = headers
    return { statusCode, others, body: body.replace(String(id), '') }
  })
  const [first, ...others] = await Promise.all(wrong)
  t.assert.strictEqual(JSON.parse(first?.body ?? '').code, 'invalid_credentials')
  t.assert.deepStrictEqual(others, [first, first])
})

test('a login in progress when its account is disabled gives no token', async (t: TestContext) => {
  const { here, elsewhere, ada, db } = await openReplicas(t)
  const { verify } = here.context.passwords
  t.mock.method(here.context.passwords, 'verify', async (...given: Parameters<typeof verify>) => {
    await disable(db, ada.id)
    return verify(...given)
  })
  const login = await here.logIn('ada@example.com')
  t.assert.strictEqual(login.statusCode, 200)
  const { access_token: token } = login.json()
  t.assert.deepStrictEqual(await statuses(elsewhere.send, [token]), [401])
  await enable(db, ada.id)
  t.assert.deepStrictEqual(await statuses(here.send, [token]), [401])
})

test('the tokens of an account stay ended when it is enabled', async (t: TestContext) => {
  const { here, elsewhere, ada, db } = await openReplicas(t)
  await disable(db, ada.id)
  const first = await disable(db, ada.id)
  // As a replica of a version before this one, which lets her log in.
  const find = db.selectFrom('store_managers').selectAll().where('id', '=', ada.id)
  const { token } = await here.context.tokens.sign(await find.executeTakeFirstOrThrow())
  t.assert.deepStrictEqual(await statuses(elsewhere.send, [ada.token, token]), [401, 401])
  const enabled = await enable(db, 'ada@example.com')
  t.assert.deepStrictEqual(
    [enabled?.id, enabled?.disabled_at, first?.disabled_at instanceof Date],
    [ada.id, null, true],
  )
  t.assert.deepStrictEqual(await statuses(here.send, [ada.token, token]), [401, 401])
  const again = await elsewhere.signIn('ada@example.com')
  t.assert.strictEqual((await enable(db, ada.id))?.id, ada.id)
  t.assert.deepStrictEqual(await statuses(here.send, [again.token]), [200])
  t.assert.deepStrictEqual(
    [await enable(db, 'eve@example.com'), await disable(db, 'not an address')],
    [undefined, undefined],
  )
})

type Send = Awaited<ReturnType<typeof openAppOn>>['send']
type Request = [method?: 'GET' | 'POST' | 'PATCH' | 'DELETE', url?: string, payload?: object]

/** One request to each kind of route. */
function requestsTo(itemId: string): Request[] {
  return [
    ['GET', `/items/${itemId}`],
    ['GET', '/items'],
    ['GET', '/items?limit=1'],
    ['GET', '/items/summary'],
    ['GET', '/items/export'],
    ['POST', '/items', tea],
    ['POST', '/items', {}],
    ['PATCH', `/items/${itemId}`, { price_usd: 1 }],
    ['DELETE', `/items/${itemId}`],
    ['POST', '/items/import', {}],
    ['GET', '/store-managers/me'],
    ['PATCH', '/store-managers/me', { name: 'Eve' }],
    ['DELETE', '/store-managers/me', {}],
    ['POST', '/store-managers/logout'],
  ]
}

function sendAll(send: Send, token: Manager['token'], requests: Request[]) {
  const headers = { authorization: `Bearer ${token}` }
  return Promise.all(
    requests.map(([method = 'GET', url = '', payload]) => send({ method, url, headers, ...(payload && { payload }) })),
  )
}

async function statuses(send: Send, tokens: string[]): Promise<number[]> {
  const answers = await Promise.all(tokens.map((token) => sendAll(send, token, [['GET', '/store-managers/me']])))
  return answers.flat().map(({ statusCode }) => statusCode)
}
