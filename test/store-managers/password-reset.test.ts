import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { hashResetCode, newResetCode } from '../../src/auth/reset-codes.ts'
import { disable, enable } from '../../src/operator/managers.ts'
import { issueResetCode } from '../../src/store-managers/password-reset.ts'
import { openAppOn, openSchema, type TestApp, testConfig } from '../support/app.ts'
import { password } from '../support/fixtures.ts'

const email = 'ada@example.com'
const next = 'a horse of another color'

/** Two replicas; Ada is signed in at the first. */
async function openReplicas(t: TestContext, env: Record<string, string> = {}) {
  const { server, schema } = await openSchema(t)
  const here = await openAppOn(t, server, testConfig(schema, env))
  const elsewhere = await openAppOn(t, server, testConfig(schema, env))
  const ada = await here.signIn(email)
  const { db } = here.context
  const issue = async () => (await issueResetCode(db, ada.id))?.code ?? ''
  return { here, elsewhere, ada, db, issue }
}

const reset = ({ send }: TestApp, code: string, plain = next, headers = {}) =>
  send({ method: 'POST', url: '/store-managers/reset-password', payload: { code, password: plain }, headers })

async function codeOf(answer: Promise<{ statusCode: number; json(): { code?: string } }>) {
  const { statusCode, json } = await answer
  return [statusCode, json().code]
}

const refused = [403, 'invalid_reset_code']

test('a reset code is random and accepted in any notation', (t: TestContext) => {
  const codes = Array.from({ length: 100 }, newResetCode)
  t.assert.strictEqual(new Set(codes).size, 100)
  for (const code of codes) t.assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){7}$/)
  const typed = ['0123-4567-89AB', '0123 4567 89ab', ' ol23456789AB\n', 'oi23-4567-89ab']
  t.assert.strictEqual(new Set(typed.map(hashResetCode)).size, 1)
})

test('a reset code sets a new password once and ends all tokens', async (t: TestContext) => {
  const { here, elsewhere, ada, issue } = await openReplicas(t)
  const code = await issue()
  const answer = await reset(elsewhere, code.toLowerCase())
  t.assert.deepStrictEqual([answer.statusCode, answer.json()], [200, { id: ada.id, name: 'Ada Lovelace', email }])
  t.assert.strictEqual(answer.headers['cache-control'], 'no-store')
  t.assert.strictEqual((await ada.get('/store-managers/me')).statusCode, 401)
  t.assert.strictEqual((await here.logIn(email, password)).statusCode, 401)
  t.assert.strictEqual((await here.logIn(email, next)).statusCode, 200)
  t.assert.deepStrictEqual(await codeOf(reset(here, code, 'yet another horse')), refused)
  t.assert.strictEqual((await here.logIn(email, next)).statusCode, 200)
})

test('of many concurrent uses of a reset code one succeeds', async (t: TestContext) => {
  const { here, elsewhere, issue } = await openReplicas(t)
  const code = await issue()
  const passwords = Array.from({ length: 8 }, () => randomUUID())
  const answers = await Promise.all(passwords.map((plain, at) => reset(at % 2 === 0 ? here : elsewhere, code, plain)))
  const done = passwords.filter((_, at) => answers[at]?.statusCode === 200)
  t.assert.strictEqual(done.length, 1)
  t.assert.strictEqual(answers.filter((answer) => answer.json().code === 'invalid_reset_code').length, 7)
  t.assert.strictEqual((await here.logIn(email, done[0])).statusCode, 200)
})

test('a reset code ends by expiry, a newer code, or a new password', async (t: TestContext) => {
  const { here, ada, db, issue } = await openReplicas(t)
  const expired = await issue()
  const { expires_at: at } = await db.selectFrom('password_resets').selectAll().executeTakeFirstOrThrow()
  t.assert.ok(Math.abs(at.getTime() - Date.now() - 3_600_000) < 60_000)
  await db
    .updateTable('password_resets')
    .set({ expires_at: new Date(Date.now() - 1_000) })
    .execute()
  t.assert.deepStrictEqual(await codeOf(reset(here, expired)), refused)
  const earlier = await issue()
  const later = await issue()
  t.assert.deepStrictEqual(await codeOf(reset(here, earlier)), refused)
  const change = { password: 'chosen by ada herself', current_password: password }
  t.assert.strictEqual((await ada.patch('/store-managers/me', { name: 'Ada L.' })).statusCode, 200)
  t.assert.strictEqual((await ada.patch('/store-managers/me', change)).statusCode, 200)
  t.assert.deepStrictEqual(await codeOf(reset(here, later)), refused)
  t.assert.deepStrictEqual(await codeOf(reset(here, newResetCode())), refused)
  t.assert.strictEqual(await issueResetCode(db, randomUUID()), undefined)
  await issue()
  await ada.delete('/store-managers/me', { current_password: change.password })
  t.assert.deepStrictEqual(await db.selectFrom('password_resets').selectAll().execute(), [])
})

test('a code that ends while its password is hashed changes nothing', async (t: TestContext) => {
  const { here, ada, db, issue } = await openReplicas(t)
  const past = new Date(Date.now() - 1_000)
  const { hash } = here.context.passwords
  for (const end of [
    () => db.updateTable('password_resets').set({ expires_at: past }).execute(),
    () => db.updateTable('store_managers').set({ disabled_at: past }).execute(),
  ]) {
    const code = await issue()
    const hashing = t.mock.method(here.context.passwords, 'hash', async (plain: string) => {
      await end()
      return hash(plain)
    })
    t.assert.deepStrictEqual(await codeOf(reset(here, code)), refused)
    hashing.mock.restore()
    await db.updateTable('store_managers').set({ disabled_at: null }).execute()
    t.assert.strictEqual((await ada.get('/store-managers/me')).statusCode, 200)
    t.assert.strictEqual((await here.logIn(email)).statusCode, 200)
  }
})

test('a disabled account cannot be reset, not even with a code from before', async (t: TestContext) => {
  const { here, db, issue } = await openReplicas(t)
  const before = await issue()
  await disable(db, email)
  await enable(db, email)
  t.assert.deepStrictEqual(await codeOf(reset(here, before)), refused)
  await disable(db, email)
  const meanwhile = await issue()
  t.assert.deepStrictEqual(await codeOf(reset(here, meanwhile)), [401, 'account_disabled'])
  await enable(db, email)
  t.assert.strictEqual((await reset(here, meanwhile)).statusCode, 200)
})

test('a weak new password leaves its reset code valid', async (t: TestContext) => {
  const { here, issue } = await openReplicas(t)
  const code = await issue()
  for (const weak of ['short', 'password', email]) {
    const answer = await reset(here, code, weak)
    t.assert.deepStrictEqual([answer.statusCode, answer.json().errors[0].loc], [422, ['body', 'password']])
  }
  t.assert.strictEqual((await reset(here, code)).statusCode, 200)
})

test('wrong reset codes count as failed logins of their address', async (t: TestContext) => {
  const { here, issue } = await openReplicas(t, { LOGIN_LIMIT_PER_ADDRESS: '3', LOGIN_LIMIT_PER_ACCOUNT: '1' })
  const code = await issue()
  const foreign = await reset(here, newResetCode(), next, { 'sec-fetch-site': 'cross-site' })
  t.assert.deepStrictEqual([foreign.statusCode, foreign.json().code], [403, 'cross_site_request'])
  for (let guess = 0; guess < 3; guess++) {
    t.assert.deepStrictEqual(await codeOf(reset(here, newResetCode())), refused)
  }
  t.assert.deepStrictEqual(await codeOf(reset(here, code)), [429, 'too_many_logins'])
  t.assert.strictEqual((await here.logIn(email)).statusCode, 429)
})

test('a reset logs events, and its code is in no table or log', async (t: TestContext) => {
  const { here, ada, db, issue } = await openReplicas(t)
  const code = await issue()
  const { code_hash: kept } = await db.selectFrom('password_resets').selectAll().executeTakeFirstOrThrow()
  t.assert.ok(!kept.includes(code) && !kept.includes(code.replaceAll('-', '')))
  await reset(here, newResetCode())
  await reset(here, code)
  const events = here.log.map((line) => JSON.parse(line)).filter(({ event }) => event !== undefined)
  t.assert.deepStrictEqual(
    events.slice(-2).map(({ event, manager }) => [event, manager]),
    [
      ['reset_code_refused', undefined],
      ['password_reset', ada.id],
    ],
  )
  t.assert.ok(!here.log.join('').includes(code) && !here.log.join('').includes(next))
})
