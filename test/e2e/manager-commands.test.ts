import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { onServer, openAppOn, openSchema, testConfig } from '../support/app.ts'
import { call, callOnTerminal, withoutTerminals } from '../support/command.ts'
import { password } from '../support/fixtures.ts'
import { run, settingsOf, temporaryFolder } from '../support/service.ts'

const email = 'ada@example.com'
const bin = join(import.meta.dirname, '../../bin/stockroom.js')
const unknownId = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'

/** A service, and the command of its operator, who has no JWT_SECRET. */
async function openOperator(t: TestContext) {
  const { server, schema } = await openSchema(t)
  const app = await openAppOn(t, server, testConfig(schema))
  const env = { ...settingsOf(server, schema), JWT_SECRET: '', LOG_LEVEL: 'warn' }
  return {
    ...app,
    env,
    manager: (...args: string[]) => call(t, ['manager', ...args], { env }),
    query: (statement: string) => onServer(server, `set search_path = ${schema}; ${statement}`),
  }
}

test('manager disable, enable and logout count for the next request', async (t: TestContext) => {
  const { signIn, logIn, manager } = await openOperator(t)
  const ada = await signIn(email)
  const isSignedIn = async ({ get }: typeof ada) => (await get('/store-managers/me')).statusCode === 200
  t.assert.ok(await isSignedIn(ada))
  const disabled = await manager('disable', 'Ada@example.com')
  t.assert.deepStrictEqual(disabled, {
    code: 0,
    out: `Disabled ${email} (ID ${ada.id}): all tokens are revoked, and logins are refused.\n`,
    err: '',
  })
  t.assert.deepStrictEqual([await isSignedIn(ada), (await logIn(email)).json().code], [false, 'account_disabled'])
  const again = JSON.parse((await manager('disable', ada.id, '--json')).out)
  t.assert.deepStrictEqual([again.id, again.email, Date.parse(again.disabled_at) > 0], [ada.id, email, true])

  const enabled = await manager('enable', ada.id)
  t.assert.deepStrictEqual([enabled.code, enabled.out], [0, `Enabled ${email} (ID ${ada.id}), who can log in again.\n`])
  const phone = await signIn(email)
  t.assert.deepStrictEqual([await isSignedIn(ada), await isSignedIn(phone)], [false, true])
  const ended = await manager('logout', email)
  t.assert.deepStrictEqual([ended.code, ended.out], [0, `Revoked all tokens of ${email} (ID ${ada.id}).\n`])
  t.assert.deepStrictEqual([await isSignedIn(phone), (await logIn(email)).statusCode], [false, 200])
})

test('manager list and show print what an operator needs', async (t: TestContext) => {
  const { signIn, manager, query } = await openOperator(t)
  t.assert.deepStrictEqual((await manager('list', '--json')).out, '[]\n')
  const ada = await signIn(email)
  await ada.post('/items', { name: 'Tea', category: 'Grocery', price_usd: 1, in_stock: true })
  const eve = await signIn('eve@example.com')
  await query(`update store_managers set name = e'Eve\\u001b[31m\\n' where email like 'eve%'`)
  await manager('disable', eve.id)
  const [heading, first, second, end] = (await manager('list')).out.split('\n')
  t.assert.match(heading ?? '', /^ID +ITEMS +DISABLED +TOKENS ENDED +EMAIL +NAME$/)
  t.assert.match(first ?? '', new RegExp(`^${ada.id} +1  - +- +${email} +Ada Lovelace$`))
  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`
  t.assert.match(
    second ?? '',
    new RegExp(`^${eve.id} +0  ${time}  ${time}  eve@example\\.com +Eve\\\\u001b\\[31m\\\\u000a$`),
  )
  t.assert.strictEqual(end, '')
  const listed = JSON.parse((await manager('list', '--json')).out)
  t.assert.deepStrictEqual(listed[0], {
    id: ada.id,
    name: 'Ada Lovelace',
    email,
    disabled_at: null,
    tokens_ended_at: null,
    items: 1,
  })
  t.assert.deepStrictEqual(JSON.parse((await manager('show', ada.id.toUpperCase(), '--json')).out), listed[0])
  const shown = await manager('show', eve.email)
  t.assert.match(
    shown.out,
    new RegExp(`^id +${eve.id}\nname +Eve\\\\u001b.*\nemail +${eve.email}\ndisabled_at +${time}\n`),
  )
})

test('manager list reads every page, in the order of the IDs', async (t: TestContext) => {
  const { manager, env, query } = await openOperator(t)
  const values = `gen_random_uuid(), 'Manager ' || n, n || '@example.com', 'x'`
  await query(`insert into store_managers select ${values} from generate_series(1, 2500) n`)
  const listed = JSON.parse((await manager('list', '--json')).out).map(({ id }: { id: string }) => id)
  t.assert.strictEqual(new Set(listed).size, 2_500)
  t.assert.deepStrictEqual(listed.toSorted(), listed)
  const head = `'${process.execPath}' '${bin}' manager list | head -2`
  const stopped = run(t, 'bash', ['-o', 'pipefail', '-c', head], env)
  t.assert.deepStrictEqual([await stopped.ended, stopped.output().split('\n').length], [0, 3])
})

test('manager reset-password prints a code that sets a new password', async (t: TestContext) => {
  const { app, signIn, manager } = await openOperator(t)
  const ada = await signIn(email)
  const { code: exit, out, err } = await manager('reset-password', email)
  t.assert.deepStrictEqual([exit, err], [0, ''])
  const [heading, code = '', hint] = out.split('\n')
  t.assert.match(
    heading ?? '',
    new RegExp(`^Reset code for ${email} \\(ID ${ada.id}\\), valid once, until [\\d :-]{16}:$`),
  )
  t.assert.match(hint ?? '', /stockroom reset-password, or POST \/store-managers\/reset-password/)

  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const env = { XDG_CONFIG_HOME: await temporaryFolder(t), STOCKROOM_URL: url }
  const reset = (given: string[], input: string) => call(t, ['reset-password', ...given], { env, input })
  const weak = await reset(['--code', code], 'short')
  t.assert.deepStrictEqual([weak.code, weak.err], [1, 'password must have at least 8 characters.\n'])
  const missing = await reset([], 'a horse of another color')
  t.assert.deepStrictEqual([missing.code, missing.out], [2, ''])
  const done = await reset(['--code', code.toLowerCase()], 'a horse of another color\n')
  t.assert.deepStrictEqual([done.code, done.err], [0, ''])
  t.assert.match(done.out, new RegExp(`^Signed in at ${url} as ${email}, until`))
  t.assert.strictEqual((await call(t, ['items', 'list'], { env })).code, 0)
  const again = await reset(['--code', code], 'a horse of another color')
  t.assert.deepStrictEqual([again.code, again.out], [1, ''])
  t.assert.match(again.err, /^The reset code is wrong, used, or expired\..*\n$/)
  const json = JSON.parse((await manager('reset-password', ada.id, '--json')).out)
  t.assert.deepStrictEqual(Object.keys(json), ['id', 'email', 'code', 'expires_at'])
})

test(
  'reset-password on a terminal asks for the password and hides it',
  { skip: withoutTerminals },
  async (t: TestContext) => {
    const { app, signIn, manager } = await openOperator(t)
    await signIn(email)
    const { code } = JSON.parse((await manager('reset-password', email, '--json')).out)
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const env = { XDG_CONFIG_HOME: await temporaryFolder(t), STOCKROOM_URL: url }
    const ask = (again: string) =>
      callOnTerminal(t, ['reset-password'], {
        env,
        dialogue: [
          ['Reset code: ', `${code}\r`],
          [`New password for ${url}: `, 'a horse of another color\r'],
          ['Repeat password: ', `${again}\r`],
        ],
      })
    const differing = await ask('another horse')
    t.assert.strictEqual(differing.code, 1)
    t.assert.match(differing.screen, /Passwords do not match\. The password was not changed\./)
    const done = await ask('a horse of another color')
    t.assert.deepStrictEqual([done.code, done.screen.includes('of another')], [0, false])
  },
)

test('manager commands start the embedded database and stop it', async (t: TestContext) => {
  const env = { DATA_DIR: await temporaryFolder(t), LOG_LEVEL: 'warn', BCRYPT_COST: '10' }
  const create = ['manager', 'create', '--name', 'Ada', '--email', email]
  t.assert.strictEqual((await call(t, create, { env, input: password })).code, 0)
  t.assert.match((await call(t, ['manager', 'disable', email], { env })).out, /^Disabled ada@example\.com/)
  // Its output is not read.
  const unread = run(t, 'bash', ['-o', 'pipefail', '-c', `'${process.execPath}' '${bin}' manager list | true`], env)
  t.assert.strictEqual(await unread.ended, 0, unread.output())
  await t.assert.rejects(access(join(env.DATA_DIR, 'postgres/postmaster.pid')), { code: 'ENOENT' })
})

test('a mistake in a manager command is one line and an exit code', async (t: TestContext) => {
  const { manager, env } = await openOperator(t)
  const missing = /^No manager has the email address or ID (eve@example\.com|[\w-]{36})\.\n$/
  const mistakes: [args: string[], code: number, said: RegExp][] = [
    ...['show', 'disable', 'enable', 'logout', 'reset-password'].map((command): (typeof mistakes)[number] => [
      [command, 'eve@example.com'],
      4,
      missing,
    ]),
    [['show', unknownId], 4, missing],
    [['show'], 2, /^missing required argument 'manager'\. See stockroom help\.\n$/],
    [['list', 'all'], 2, /^too many arguments.*\n$/],
    [['show', email, '--server', 'http://localhost'], 2, /^manager does not call a service\. Remove --server\.\n$/],
  ]
  const called = await Promise.all(mistakes.map(([args]) => manager(...args)))
  for (const [at, { code, out, err }] of called.entries()) {
    const [args = [], expected, said = /^/] = mistakes[at] ?? []
    t.assert.deepStrictEqual([code, out], [expected, ''], `${args.join(' ')}: ${err}`)
    t.assert.match(err, said)
  }
  const away = { ...env, POSTGRES_PORT: '1', STARTUP_TIMEOUT: '0' }
  const unreachable = await call(t, ['manager', 'list'], { env: away })
  t.assert.deepStrictEqual([unreachable.code, unreachable.out], [1, ''])
  t.assert.match(unreachable.err, /^PostgreSQL at .* was not available within 0 s: .*\n$/)
  const unfit = await call(t, ['manager', 'list', '--json'], { env: { ...env, POSTGRES_PORT: 'x' } })
  t.assert.match(JSON.parse(unfit.err).detail, /POSTGRES_PORT must be/)
})

test("manager commands log a security event with the operator's name", async (t: TestContext) => {
  const { signIn, env } = await openOperator(t)
  const { id } = await signIn(email)
  const events: unknown[] = []
  for (const command of ['disable', 'enable', 'logout', 'reset-password']) {
    const { err } = await call(t, ['manager', command, email], { env: { ...env, LOG_LEVEL: 'info' } })
    const { event, manager, operator, level } = JSON.parse(err)
    events.push(event)
    t.assert.deepStrictEqual([manager, typeof operator, level], [id, 'string', 'info'])
  }
  t.assert.deepStrictEqual(events, [
    'account_disabled',
    'account_enabled',
    'logged_out_everywhere',
    'reset_code_issued',
  ])
})

test('sessions end --all revokes tokens that a restore would revive', async (t: TestContext) => {
  const { signIn, logIn, manager, query, env } = await openOperator(t)
  await signIn(email)
  // What the restored database will have forgotten: two logouts of all tokens, and a new token between them.
  await manager('logout', email)
  const phone = await signIn(email)
  await manager('logout', email)
  await query('delete from revoked_tokens; update store_managers set token_generation = token_generation - 2')
  const sessions = (...args: string[]) => call(t, ['sessions', 'end', ...args], { env })
  t.assert.strictEqual((await sessions()).code, 2)
  await manager('reset-password', email)
  const ended = await sessions('--all')
  t.assert.deepStrictEqual([ended.code, ended.out], [0, 'Revoked all tokens and reset codes of 1 managers.\n'])
  t.assert.strictEqual((await phone.get('/store-managers/me')).statusCode, 401)
  const again = await sessions('--all', '--json')
  t.assert.deepStrictEqual(JSON.parse(again.out), { managers: 1 })
  t.assert.strictEqual((await logIn(email)).statusCode, 200)
})
