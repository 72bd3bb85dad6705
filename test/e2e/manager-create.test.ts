import { execFileSync } from 'node:child_process'
import { test, type TestContext } from 'node:test'

import packageJson from '../../package.json' with { type: 'json' }
import { openApp, openAppOn, testConfig } from '../support/app.ts'
import { password } from '../support/fixtures.ts'
import { realStores, run, startService, temporaryFolder } from '../support/service.ts'
import { until } from '../support/until.ts'

const command = ['--import', './scripts/require-node.mjs', 'src/cli/main.ts', 'manager', 'create']
const ada = ['--name', 'Ada Lovelace', '--email', 'ada@example.com']
const quiet = { LOG_LEVEL: 'silent', BCRYPT_COST: '10' }

const hasTerminals = (() => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
})()

test('REGISTRATION=closed refuses registrations and allows logins', async (t: TestContext) => {
  const open = await openApp(t)
  await open.register('ada@example.com')
  const { schema } = open.context.config.pool
  const closed = await openAppOn(t, open.server, testConfig(schema, { REGISTRATION: 'closed' }))
  const refused = await closed.register('grace@example.com')
  t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [403, 'registration_closed'])
  t.assert.strictEqual((await closed.logIn('grace@example.com')).statusCode, 401)
  t.assert.strictEqual((await closed.logIn('ada@example.com')).statusCode, 200)
})

test('npm run manager:create reads the password from a pipe', async (t: TestContext) => {
  t.assert.ok(packageJson.scripts['manager:create'].endsWith(command.join(' ')))
  const stores = await realStores(t)
  const env = { ...quiet, ...stores, REGISTRATION: 'closed', JWT_SECRET: '' }
  const { ended, printed } = create(t, env, ada, `${password}\nanother line`)
  t.assert.deepStrictEqual([await ended, printed().includes(password)], [0, false])
  t.assert.match(printed(), /^Registered ada@example\.com with the ID [0-9a-f-]{36}\.\n$/)
  const service = await startService(t, stores)
  t.assert.strictEqual(await logInAt(service.url, 'ada@example.com'), 200)

  const mistakes: [args: string[], input: string, said: RegExp, code?: number][] = [
    [ada, password, /^A manager with this email address already exists\.\n$/],
    [
      ['--name', '', '--email', 'x'],
      '1234567',
      /^The name must have .*\nThe email must be .*\nThe password must have .*\n$/,
    ],
    [ada, 'password\n', /^The password is too common\.\n$/],
    [['--name', 'Ada'], password, /^There is no terminal to prompt on\. Pass --name and --email/, 2],
    [['--password', password], '', /^unknown option '--password'/, 2],
  ]
  for (const [args, input, said, code = 1] of mistakes) {
    const failed = create(t, env, args, input)
    t.assert.strictEqual(await failed.ended, code, failed.printed())
    t.assert.match(failed.printed(), said)
  }
  const help = create(t, {}, ['--help'], '')
  t.assert.strictEqual(await help.ended, 0)
  t.assert.match(help.printed(), /Usage: stockroom manager create/)
})

test('a manager is created on the embedded database, running or not', async (t: TestContext) => {
  const env = { ...quiet, DATA_DIR: await temporaryFolder(t) }
  t.assert.strictEqual(await create(t, env, ada, password).ended, 0)
  const { url } = await startService(t, { ...env, LOG_LEVEL: 'info' })
  t.assert.strictEqual(await create(t, env, ['--name', 'Grace', '--email', 'grace@example.com'], password).ended, 0)
  for (const username of ['ada@example.com', 'grace@example.com']) {
    t.assert.strictEqual(await logInAt(url, username), 200)
  }
})

test(
  'manager:create on a terminal asks for the password and hides it',
  { skip: !hasTerminals && 'there is no script' },
  async (t: TestContext) => {
    const env = { ...quiet, ...(await realStores(t)) }
    const typed = await onTerminal(t, env, [
      ['Name: ', 'Ada Lovelace\r'],
      ['Email address: ', 'ada@example.com\r'],
      ['New password for the new manager: ', `${password}\r`],
      ['Repeat password: ', `${password}\r`],
    ])
    t.assert.strictEqual(typed.code, 0)
    t.assert.match(typed.screen, /Ada Lovelace[^]*Registered ada@example\.com/)
    t.assert.ok(!typed.screen.includes('correct'))

    const differing = await onTerminal(
      t,
      env,
      [
        ['New password for the new manager: ', 'one of them\r'],
        ['Repeat password: ', 'another one\r'],
      ],
      ada,
    )
    t.assert.strictEqual(differing.code, 1)
    t.assert.match(differing.screen, /do not match/)
    const interrupted = await onTerminal(t, env, [['New password for the new manager: ', 'one of them\x03']], ada)
    t.assert.strictEqual(interrupted.code, 1)
    t.assert.match(interrupted.screen, /No manager was created\.\r\n$/)
    t.assert.ok(!interrupted.screen.includes('one of'))
  },
)

function create(t: TestContext, env: Record<string, string>, args: string[], input: string) {
  const { child, ended, output } = run(t, process.execPath, [...command, ...args], env)
  child.stdin.end(input)
  return { ended, printed: output }
}

async function logInAt(url: string, username: string): Promise<number> {
  const body = new URLSearchParams({ username, password })
  return (await fetch(`${url}/store-managers/token`, { method: 'POST', body })).status
}

/** Types each reply when its prompt is on the screen. */
async function onTerminal(
  t: TestContext,
  env: Record<string, string>,
  dialogue: [string, string][],
  args: string[] = [],
) {
  const line = [process.execPath, ...command, ...args].map((word) => `'${word}'`).join(' ')
  const { child, ended, output } = run(t, 'script', ['-qec', line, '/dev/null'], env)
  for (const [question, answer] of dialogue) {
    await until(() => output().includes(question))
    child.stdin.write(answer)
  }
  return { code: await ended, screen: output() }
}
