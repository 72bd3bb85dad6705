import { test, type TestContext } from 'node:test'

import { Client } from 'pg'

import { clientConfig } from '../../src/database/server.ts'
import { openApp } from '../support/app.ts'
import { closeAfter } from '../support/cleanup.ts'
import { password } from '../support/fixtures.ts'
import { waitersOf } from '../support/lock-waits.ts'
import { eventually } from '../support/until.ts'

const me = '/store-managers/me'

test('a manager sees their account without the password', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const answer = await ada.get(me)
  t.assert.strictEqual(answer.statusCode, 200)
  t.assert.deepStrictEqual(answer.json(), { id: ada.id, name: 'Ada Lovelace', email: 'ada@example.com' })
})

test('changing the name needs no password, and an empty change none', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const now = { id: ada.id, name: 'Ada King', email: 'ada@example.com' }
  t.assert.deepStrictEqual((await ada.patch(me, { name: 'Ada King', email: null })).json(), now)
  t.assert.deepStrictEqual((await ada.patch(me, {})).json(), now)
  t.assert.deepStrictEqual((await ada.get(me)).json(), now)
})

test('changing the email address or password needs the current one', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const change of [{ email: 'ada@example.org' }, { password: 'another horse battery' }]) {
    const without = await ada.patch(me, change)
    t.assert.strictEqual(without.statusCode, 422)
    t.assert.deepStrictEqual(without.json().errors[0].loc, ['body', 'current_password'])
    const wrong = await ada.patch(me, { ...change, current_password: 'a wrong guess' })
    t.assert.deepStrictEqual([wrong.statusCode, wrong.json().code], [403, 'wrong_password'])
  }
  t.assert.strictEqual((await ada.get(me)).json().email, 'ada@example.com')
  const right = await ada.patch(me, { email: 'ada@example.org', current_password: password })
  t.assert.deepStrictEqual([right.statusCode, right.json().email], [200, 'ada@example.org'])
})

test('a taken email address or a common password is refused', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  await signIn('grace@example.com')
  const taken = await ada.patch(me, { email: 'Grace@example.com', current_password: password })
  t.assert.deepStrictEqual([taken.statusCode, taken.json().code], [409, 'email_taken'])
  const weak = await ada.patch(me, { password: 'password1', current_password: password })
  t.assert.strictEqual(weak.statusCode, 422)
  t.assert.deepStrictEqual(weak.json().errors[0].loc, ['body', 'password'])
})

test('a password change ends every other token of the manager', async (t: TestContext) => {
  const { signIn, logIn } = await openApp(t)
  const phone = await signIn('ada@example.com')
  const laptop = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  const changed = await phone.patch(me, { password: 'another horse battery', current_password: password })
  t.assert.strictEqual(changed.statusCode, 200)
  const answers = await Promise.all([phone, laptop, grace].map((manager) => manager.get('/items')))
  t.assert.deepStrictEqual(
    answers.map(({ statusCode }) => statusCode),
    [200, 401, 200],
  )
  t.assert.strictEqual((await logIn('ada@example.com')).statusCode, 401)
  t.assert.strictEqual((await logIn('ada@example.com', 'another horse battery')).statusCode, 200)
  await phone.get('/store-managers/logout?scope=all')
  t.assert.strictEqual((await phone.get('/items')).statusCode, 401)
})

test('concurrent password changes: one succeeds, one gets 403', async (t: TestContext) => {
  const { signIn, server, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const change = (word: string) => ada.patch(me, { password: `${word} horse battery`, current_password: password })
  const blocker = new Client(clientConfig(server))
  await blocker.connect()
  closeAfter(t, () => blocker.end())
  // Lets managers be read and locked, but not changed.
  await blocker.query(`begin; lock table ${context.pool.schema}.store_managers in share mode`)
  const changes = Promise.all([change('another'), change('a third')])
  await eventually(
    async () => (await blocker.query<{ count: number }>(waiting)).rows[0]?.count,
    (count) => count === 2,
  )
  await blocker.query('commit')
  t.assert.deepStrictEqual((await changes).map(({ statusCode }) => statusCode).toSorted(), [200, 403])
})

/** How many sessions wait for this one, or for one that does. */
const waiting = `
  with recursive blocked (pid) as (
    select pg_backend_pid()
    union
    select waiting.pid::integer from blocked, lateral (${waitersOf('blocked.pid')}) as waiting)
  select count(*)::int - 1 as count from blocked`

test('wrong current passwords count as failed logins', async (t: TestContext) => {
  const { signIn } = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '2' })
  const ada = await signIn('ada@example.com')
  const guess = () => ada.patch(me, { email: 'eve@example.com', current_password: 'a wrong guess' })
  const statuses = [await guess(), await guess(), await guess()].map(({ statusCode }) => statusCode)
  t.assert.deepStrictEqual(statuses, [403, 403, 429])
})

test('a change that needs no password does not count as a login', async (t: TestContext) => {
  const { signIn, logIn } = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1' })
  const ada = await signIn('ada@example.com')
  const weak = { password: 'password1', current_password: password }
  for (let round = 0; round < 10; round++) {
    t.assert.strictEqual((await ada.patch(me, { name: `Ada ${round}` })).statusCode, 200)
    t.assert.strictEqual((await ada.patch(me, weak)).statusCode, 422)
  }
  for (const status of [401, 429]) t.assert.strictEqual((await logIn('ada@example.com', 'wrong')).statusCode, status)
  t.assert.strictEqual((await ada.patch(me, { name: 'Ada King' })).statusCode, 200)
})

test('a password change after a logout everywhere changes nothing', async (t: TestContext) => {
  const { signIn, logIn, context } = await openApp(t)
  const phone = await signIn('ada@example.com')
  const laptop = await signIn('ada@example.com')
  const { hash } = context.passwords
  const hashing = Promise.withResolvers<void>()
  const overtaken = Promise.withResolvers<void>()
  context.passwords.hash = async (plain) => {
    hashing.resolve()
    await overtaken.promise
    return hash(plain)
  }
  const change = phone.patch(me, { password: 'another horse battery', current_password: password })
  await hashing.promise
  t.assert.strictEqual((await laptop.post('/store-managers/logout?scope=all')).statusCode, 200)
  overtaken.resolve()
  t.assert.strictEqual((await change).statusCode, 401)
  for (const manager of [phone, laptop]) t.assert.strictEqual((await manager.get(me)).statusCode, 401)
  t.assert.strictEqual((await logIn('ada@example.com')).statusCode, 200)
})

test('a logout everywhere is never undone by a concurrent account change', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  for (let round = 0; round < 5; round++) {
    const email = `ada${round}@example.com`
    const phone = await signIn(email)
    const laptop = await signIn(email)
    const change = phone.patch(me, { password: 'another horse battery', current_password: password })
    const rename = phone.patch(me, { name: 'Eve' })
    const [loggedOut] = await Promise.all([laptop.post('/store-managers/logout?scope=all'), change, rename])
    // In the opposite order the new password has ended the token before.
    const isLast = loggedOut.statusCode === 200
    t.assert.strictEqual((await phone.get(me)).statusCode, isLast ? 401 : 200)
    t.assert.strictEqual((await laptop.get(me)).statusCode, 401)
  }
})

test('an account is deleted only with its password; guesses are counted', async (t: TestContext) => {
  const { signIn } = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '2' })
  const ada = await signIn('ada@example.com')
  for (const body of [undefined, {}, { current_password: null }, { current_password: 5 }, { password }, []]) {
    t.assert.strictEqual((await ada.delete(me, body)).statusCode, 422)
  }
  t.assert.deepStrictEqual((await ada.delete(me, {})).json().errors[0].loc, ['body', 'current_password'])
  const guess = async () => (await ada.delete(me, { current_password: 'a wrong guess' })).json().code
  t.assert.deepStrictEqual(
    [await guess(), await guess(), await guess()],
    ['wrong_password', 'wrong_password', 'too_many_logins'],
  )
  t.assert.strictEqual((await ada.get(me)).statusCode, 200)
})

test('no response about an account may be cached', async (t: TestContext) => {
  const { signIn, register, send } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const answers = [
    await register('grace@example.com'),
    await register('grace@example.com'),
    await ada.get(me),
    await send({ method: 'HEAD', url: me, headers: { authorization: `Bearer ${ada.token}` } }),
    await send({ url: me }),
    await ada.patch(me, { name: 'Ada King' }),
    await ada.patch(me, { name: '' }),
    await ada.patch(me, { email: 'a@example.com', current_password: 'a wrong guess' }),
    await ada.delete(me, {}),
    await ada.post(me),
    await ada.get('/store-managers/logout?scope=some'),
    await ada.get('/store-managers/logout'),
    await ada.post('/store-managers/logout'),
  ]
  for (const { headers } of answers) t.assert.strictEqual(headers['cache-control'], 'no-store')
})

test('a deleted account leaves nothing for repeated requests', async (t: TestContext) => {
  const { send, logIn, context } = await openApp(t)
  const name = 'Augusta Ada Byron'
  const email = 'augusta@example.com'
  const keys = () => context.db.selectFrom('idempotency_keys').selectAll().execute()
  for (const isOfOlderVersion of [false, true]) {
    const headers = { 'idempotency-key': `registration-${isOfOlderVersion}` }
    const register = () => send({ method: 'POST', url: '/store-managers', payload: { name, email, password }, headers })
    const first = (await register()).json()
    const authorization = `Bearer ${(await logIn(email)).json().access_token}`
    const payload = { name: 'Tea', category: 'Grocery', price_usd: 4.99, in_stock: true }
    const create = {
      method: 'POST',
      url: '/items',
      headers: { authorization, 'idempotency-key': 'item' },
      payload,
    } as const
    const item = await send(create)
    if (isOfOlderVersion) await context.db.updateTable('idempotency_keys').set({ store_manager_id: null }).execute()
    await send({ method: 'DELETE', url: item.headers.location ?? '', headers: { authorization } })
    t.assert.strictEqual((await keys()).length, 2)
    const leave = {
      method: 'DELETE',
      url: me,
      headers: { authorization },
      payload: { current_password: password },
    } as const
    t.assert.strictEqual((await send(leave)).statusCode, 204)
    t.assert.deepStrictEqual(await keys(), [])

    const again = await register()
    t.assert.strictEqual(again.statusCode, 201)
    t.assert.strictEqual(again.headers['idempotency-replayed'], undefined)
    t.assert.notStrictEqual(again.json().id, first.id)
    await context.db.deleteFrom('store_managers').execute()
    t.assert.deepStrictEqual(await keys(), [], 'also if an operator deletes it')
  }
})

test('a manager who owns items cannot be deleted and learns their number', async (t: TestContext) => {
  const { signIn, logIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const item = await ada.post('/items', { name: 'Tea', category: 'Grocery', price_usd: 4.99, in_stock: true })
  const leave = () => ada.delete(me, { current_password: password })
  const refused = await leave()
  t.assert.strictEqual(refused.statusCode, 409)
  t.assert.deepStrictEqual([refused.json().code, refused.json().items], ['manager_owns_items', 1])
  await ada.delete(item.headers.location ?? '')
  t.assert.strictEqual((await leave()).statusCode, 204)
  t.assert.strictEqual((await ada.get('/items')).json().detail, 'The manager of the token no longer exists.')
  t.assert.strictEqual((await logIn('ada@example.com')).statusCode, 401)
})
