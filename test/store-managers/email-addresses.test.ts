import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { upgrade } from '../../src/database/migrate.ts'
import { onServer, openApp, openAppOn, testConfig } from '../support/app.ts'
import { password } from '../support/fixtures.ts'
import { openTurkishDatabase } from '../support/turkish-database.ts'

const silent = pino({ level: 'silent' })
const long = 'a'.repeat(64)

const normal: [given: string, stored: string][] = [
  [' ada@example.com', 'ada@example.com'],
  ['\tgrace@example.com \n', 'grace@example.com'],
  ['\u00A0Joan@Example.com\u3000', 'Joan@Example.com'],
  ['jo\u0308rg@example.com', 'jörg@example.com'],
  ['jörg@mu\u0308ller.example', 'jörg@müller.example'],
  ['ada@xn--mller-kva.example', 'ada@müller.example'],
  ['joan@MÜLLER。example', 'joan@müller.example'],
  ['用户@例え.テスト', '用户@例え.テスト'],
  [`${long}@${'b'.repeat(63)}.example`, `${long}@${'b'.repeat(63)}.example`],
  ["o'hara+tag/1=2@a-b.example", "o'hara+tag/1=2@a-b.example"],
]

test('email addresses are stored in one form, which also logs in', async (t: TestContext) => {
  const { register, logIn } = await openApp(t)
  for (const [given, stored] of normal) {
    const registered = await register(given)
    t.assert.deepStrictEqual([registered.statusCode, registered.json().email], [201, stored], given)
    for (const same of [given, stored, ` ${stored} `, stored.toUpperCase()]) {
      t.assert.strictEqual((await logIn(same)).statusCode, 200, same)
      t.assert.strictEqual((await register(same)).statusCode, 409, same)
    }
  }
})

const none = [
  `${long}a@example.com`,
  `${'é'.repeat(33)}@example.com`,
  `ada@${'b'.repeat(64)}.example`,
  `ada@${'ü'.repeat(60)}.example`,
  ' ',
  'a b@example.com',
  'a\u200Bb@example.com',
  'a\u3000b@example.com',
  '\u0301a@example.com',
  'ada@exam ple.com',
  'ada@example',
  'ada@.example.com',
  'ada@example..com',
  'ada@example.com.',
  'ada@-a.example',
  'ada@a_b.example',
  'ada@xn--a.example',
  'ada@a/b.example',
  'ada@%61.example',
  'ada@127.0.0.1',
  'ada@[127.0.0.1]',
  '.ada@example.com',
  'a..b@example.com',
  '"a b"@example.com',
  'Ada <ada@example.com>',
  'ada@example.com, eve@example.com',
]

test('an invalid email address is refused on registration and change', async (t: TestContext) => {
  const { register, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const wrong of none) {
    for (const refused of [
      await register(wrong),
      await ada.patch('/store-managers/me', { email: wrong, current_password: password }),
    ]) {
      t.assert.strictEqual(refused.statusCode, 422, wrong)
      t.assert.deepStrictEqual(refused.json().errors[0].loc, ['body', 'email'])
    }
  }
})

test('a changed email address is normalized too', async (t: TestContext) => {
  const { signIn, logIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const change = { email: ' Jo\u0308rg@xn--mller-kva.example ', current_password: password }
  const changed = await ada.patch('/store-managers/me', change)
  t.assert.deepStrictEqual([changed.statusCode, changed.json().email], [200, 'Jörg@müller.example'])
  t.assert.strictEqual((await logIn('jörg@müller.example')).statusCode, 200)
})

test('accounts stored in other forms by earlier versions log in', async (t: TestContext) => {
  const app = await openApp(t)
  await app.register('ada@example.com')
  const { schema } = app.context.config.pool
  for (const stored of ['ada@xn--mller-kva.example', `${long}a@example.com`]) {
    await onServer(app.server, `update ${schema}.store_managers set email = $1`, [stored])
    t.assert.strictEqual((await app.logIn(stored)).statusCode, 200)
  }
})

test('INFO@ and info@ are one account in a database with a Turkish locale', async (t: TestContext) => {
  const server = await openTurkishDatabase(t)
  await upgrade(server, 'public', silent)
  const { register, logIn } = await openAppOn(t, server, testConfig('public'))
  t.assert.strictEqual((await register('INFO@example.com')).statusCode, 201)
  t.assert.strictEqual((await register('info@example.com')).statusCode, 409)
  t.assert.strictEqual((await logIn('info@EXAMPLE.com')).statusCode, 200)
  t.assert.strictEqual((await register('ınfo@example.com')).statusCode, 201)
})
