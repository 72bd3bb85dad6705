import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import packageJson from '../../package.json' with { type: 'json' }
import { openApp } from '../support/app.ts'
import { call, callOnTerminal, withoutTerminals } from '../support/command.ts'
import { password } from '../support/fixtures.ts'
import { scripted } from '../support/scripted.ts'
import { realStores, run, servingAt, temporaryFolder } from '../support/service.ts'
import { freePort } from '../support/stores.ts'

const email = 'ada@example.com'

/** A service, where Ada is registered, and a folder for what the command keeps. */
async function openService(t: TestContext) {
  const { app, signIn } = await openApp(t)
  const ada = await signIn(email)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const config = await temporaryFolder(t)
  const kept = { XDG_CONFIG_HOME: config, STOCKROOM_URL: url }
  return {
    url,
    ada,
    file: join(config, 'stockroom/credentials.json'),
    kept,
    env: { ...kept, STOCKROOM_TOKEN: ada.token },
  }
}

test('login stores a token only its user can read; logout ends it', async (t: TestContext) => {
  const { url, file, kept } = await openService(t)
  const env = { XDG_CONFIG_HOME: kept.XDG_CONFIG_HOME }
  t.assert.deepStrictEqual(await call(t, ['items', 'list'], { env: kept }), {
    code: 3,
    out: '',
    err: 'You are not signed in. Sign in with: stockroom login\n',
  })
  const wrong = await call(t, ['login', '--email', email], { env: kept, input: 'wrong' })
  t.assert.deepStrictEqual([wrong.code, wrong.err], [3, 'The email address or the password is wrong.\n'])
  const login = await call(t, ['login', '--server', `${url}/`, '--email', email], { env, input: `${password}\nmore` })
  t.assert.deepStrictEqual([login.code, login.err], [0, ''])
  t.assert.match(
    login.out,
    new RegExp(`^Signed in at ${url} as ${email}, until \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d\\.\\n$`),
  )
  const modes = await Promise.all([file, join(file, '..')].map(async (path) => (await stat(path)).mode & 0o777))
  t.assert.deepStrictEqual(modes, [0o600, 0o700])
  const [token = ''] = /eyJ[\w.-]+/.exec(await readFile(file, 'utf8')) ?? []

  // The server of the last login is the one that is meant from then on.
  t.assert.deepStrictEqual(await call(t, ['items', 'list', '--json'], { env }), { code: 0, out: '[]\n', err: '' })
  const logout = await call(t, ['logout', '--json'], { env })
  t.assert.deepStrictEqual(logout, { code: 0, out: `{"server":"${url}","signed_out":true}\n`, err: '' })
  t.assert.ok(!(await readFile(file, 'utf8')).includes('eyJ'))
  const late = await call(t, ['items', 'list'], { env: { ...env, STOCKROOM_TOKEN: token } })
  t.assert.deepStrictEqual([late.code, late.err], [3, 'The token has been revoked. Sign in with: stockroom login\n'])
  const again = await call(t, ['logout'], { env })
  t.assert.deepStrictEqual([again.code, again.out], [0, `You were not signed in at ${url}.\n`])
})

test('login on a terminal asks for the password and hides it', { skip: withoutTerminals }, async (t: TestContext) => {
  const { url, kept: env } = await openService(t)
  const login = await callOnTerminal(t, ['login'], {
    env,
    dialogue: [
      ['Email address: ', `${email}\r`],
      [`Password for ${url}: `, `${password}\r`],
    ],
  })
  t.assert.strictEqual(login.code, 0)
  t.assert.match(login.screen, /Signed in at/)
  t.assert.ok(!login.screen.includes('correct'))
  const given = await callOnTerminal(t, ['login', '--email', email], { env, dialogue: [['Password', 'corr\x03']] })
  t.assert.deepStrictEqual([given.code, given.screen.includes('corr')], [1, false])
  t.assert.match(given.screen, /Sign-in canceled\.\r\n$/)
})

test('items are added, shown, changed, listed and deleted', async (t: TestContext) => {
  const { env } = await openService(t)
  const json = async (...args: string[]) => JSON.parse((await call(t, [...args, '--json'], { env })).out)
  const fields = ['--name', 'Green tea', '--category', 'Grocery', '--price', '4.99']
  const tea = await json('items', 'add', ...fields)
  t.assert.deepStrictEqual([tea.name, tea.price_usd, tea.in_stock, tea.version], ['Green tea', 4.99, true, '1'])
  const shown = await call(t, ['items', 'get', tea.id], { env })
  t.assert.match(shown.out, /^id +[\w-]{36}\nname +Green tea\n[^]*\ncreated_at +\S+Z\nupdated_at +\S+Z\nversion +1\n$/)
  const changed = await json('items', 'set', tea.id, '--price', '5.49', '--out-of-stock', '--if-version', '1')
  t.assert.deepStrictEqual([changed.price_usd, changed.in_stock, changed.version], [5.49, false, '2'])
  t.assert.deepStrictEqual((await json('items', 'list', '--sort=-updated_at'))[0].id, tea.id)
  const late = await call(t, ['items', 'set', tea.id, '--price', '1', '--if-version', '1'], { env })
  t.assert.deepStrictEqual([late.code, late.out], [1, ''])
  t.assert.match(late.err, /has changed/)

  const evil = await json(
    'items',
    'add',
    '--name',
    'evil\u001B[31m\n\u202Ename',
    '--category',
    'Pet',
    '--price',
    '1e-7',
  )
  const listed = await call(t, ['items', 'list', '--sort=-price_usd'], { env })
  t.assert.deepStrictEqual(listed.out.split('\n'), [
    'ID                                    CATEGORY               PRICE  STOCK  NAME',
    `${tea.id}  Grocery                 5.49  no     Green tea`,
    `${evil.id}  Pet                     1e-7  yes    evil\\u001b[31m\\u000a\\u202ename`,
    '',
  ])
  const first = await call(t, ['items', 'list', '--limit', '1'], { env })
  t.assert.deepStrictEqual(
    [first.out.split('\n').length, first.err],
    [3, 'There are more items. Use --limit or --all to show them.\n'],
  )
  const chosen = await json(
    'items',
    'list',
    '--category',
    'Pet',
    '--category',
    'Grocery',
    '--in-stock',
    '--mine',
    '--max-price',
    '1',
    '--search',
    'NAME',
  )
  t.assert.deepStrictEqual(
    chosen.map(({ id }: { id: string }) => id),
    [evil.id],
  )
  t.assert.deepStrictEqual(await call(t, ['items', 'rm', tea.id, evil.id], { env }), {
    code: 0,
    out: `Deleted ${tea.id}.\nDeleted ${evil.id}.\n`,
    err: '',
  })
})

test('list --all prints every page, and may be cut off by its reader', async (t: TestContext) => {
  const { ada, env } = await openService(t)
  const rows = Array.from({ length: 2_500 }, (_, at) => `Item ${at},Pet,${at},true\n`).join('')
  const sent = await ada.post('/items/import', `name,category,price_usd,in_stock\n${rows}`, {
    'content-type': 'text/csv',
  })
  t.assert.strictEqual(sent.json().created, 2_500)
  const all = JSON.parse((await call(t, ['items', 'list', '--all', '--sort=-price_usd', '--json'], { env })).out)
  t.assert.deepStrictEqual([all.length, all[0].price_usd, all[2_499].price_usd], [2_500, 2_499, 0])
  const bin = join(import.meta.dirname, '../../bin/stockroom.js')
  const head = run(
    t,
    'bash',
    ['-o', 'pipefail', '-c', `'${process.execPath}' '${bin}' items list --all | head -2`],
    env,
  )
  t.assert.deepStrictEqual([await head.ended, head.output().split('\n').length], [0, 3])
})

test('an error is one line and an exit code', async (t: TestContext) => {
  const { env } = await openService(t)
  const nowhere = `http://127.0.0.1:${await freePort()}`
  const id = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
  const mistakes: [args: string[], code: number, said: RegExp][] = [
    [['items', 'get', id], 4, /^No item has this ID\.\n$/],
    [['items', 'rm', id], 4, /^No item has this ID\.\n$/],
    [['items', 'get', '7'], 1, /^id must be a UUID such as .*\n$/],
    [['items', 'set', id], 2, /^Nothing to update\. Pass .*\n$/],
    [
      ['items', 'add', '--name', 'x'],
      2,
      /^required option '--category <category>' not specified\. See stockroom help\.\n$/,
    ],
    [['items', 'list', '--min-price', '4,99'], 2, /is invalid\. Use a decimal point, as in 4\.99\. See .*\n$/],
    [['items', 'list', '--limit', '0'], 2, /is invalid\. Must be a whole number of at least 1\. See .*\n$/],
    [['items', 'lst'], 2, /^unknown command 'lst' \(Did you mean list\?\) See stockroom help\.\n$/],
    [['items', 'list', '--server', 'localhost:8000'], 2, /^--server must be an HTTP\(S\) URL such as .*\n$/],
    [['items', 'list', '--server', nowhere], 1, /cannot be reached: ECONNREFUSED\. Is the service running\? .*\n$/],
    [['login'], 2, /^There is no terminal to prompt on\. Pass --email, .*\n$/],
    [['import', 'nothing.csv'], 1, /^nothing\.csv: no such file or directory\.\n$/],
    [['export', 'items.xml'], 2, /^Cannot infer the format of items\.xml\. Pass --format csv\|ndjson\|json\.\n$/],
    [['import', 'items.XLSX'], 2, /^items\.XLSX is a spreadsheet\. Save it as CSV UTF-8, and import that\.\n$/],
    [[], 2, /^Usage: stockroom/],
  ]
  const called = await Promise.all(mistakes.map(([args]) => call(t, args, { env })))
  for (const [at, { code, out, err }] of called.entries()) {
    const [args = [], expected, said = /^/] = mistakes[at] ?? []
    t.assert.deepStrictEqual([code, out], [expected, ''], `${args.join(' ')}: ${err}`)
    t.assert.match(err, said)
  }
  const forMachines = await call(t, ['items', 'get', id, '--json'], { env })
  t.assert.deepStrictEqual([forMachines.code, JSON.parse(forMachines.err).code], [4, 'item_not_found'])
})

test('each command has a help, and the program a version', async (t: TestContext) => {
  const commands = [
    'start',
    'migrate',
    'manager create',
    ...['list', 'show', 'disable', 'enable', 'logout', 'reset-password', 'transfer', 'delete'].map(
      (command) => `manager ${command}`,
    ),
    'login',
    'register',
    'reset-password',
    'logout',
    'import',
    'export',
    'items list',
    'items get',
    'items add',
    'items set',
    'items rm',
  ]
  const asked = await Promise.all(commands.map((command) => call(t, [...command.split(' '), '--help'])))
  for (const [at, { code, out, err }] of asked.entries()) {
    t.assert.deepStrictEqual(
      [code, err, out.startsWith(`Usage: stockroom ${commands[at]} `)],
      [0, '', true],
      String(commands[at]),
    )
  }
  t.assert.match(asked[0]?.out ?? '', /POSTGRES_HOST +PostgreSQL host or socket directory/)
  t.assert.strictEqual((await call(t, ['help', 'import'])).out, asked[commands.indexOf('import')]?.out)
  t.assert.match((await call(t, ['--help'])).out, /Exit codes: 0 success/)
  t.assert.strictEqual((await call(t, ['--version'])).out, `${packageJson.version}\n`)
})

test('start, migrate, and manager create pass on signals and exit codes', async (t: TestContext) => {
  const env = { ...(await realStores(t, 'empty')), AUTO_MIGRATE: 'false', PORT: '0', BCRYPT_COST: '10' }
  const early = await call(t, ['start'], { env })
  t.assert.strictEqual(early.code, 1)
  t.assert.match(early.err, /Apply them with: npx --no-install stockroom migrate up/)
  t.assert.strictEqual((await call(t, ['migrate'], { env })).code, 0)
  const create = ['manager', 'create', '--name', 'Ada', '--email', email]
  t.assert.match((await call(t, create, { env, input: password })).out, /^Registered ada@example\.com/)
  const bin = join(import.meta.dirname, '../../bin/stockroom.js')
  const { child, ended, output } = run(t, process.execPath, [bin, 'start'], env)
  const url = await servingAt(output, ended)
  const login = await call(t, ['login', '--email', email, '--server', url], {
    env: { XDG_CONFIG_HOME: await temporaryFolder(t) },
    input: password,
  })
  t.assert.strictEqual(login.code, 0)
  child.kill('SIGTERM')
  t.assert.strictEqual(await ended, 0)
  t.assert.match((await call(t, ['migrate', 'status'], { env })).out, /^The schema is up to date\.\n$/m)
})

test('no text is bold with NO_COLOR or in a pipe', { skip: withoutTerminals }, async (t: TestContext) => {
  const server = await scripted(t, [{ status: 200, headers: { link: '</items>; rel="first"' }, body: {} }])
  const env = {
    STOCKROOM_URL: server.url,
    STOCKROOM_TOKEN: 'kept',
    XDG_CONFIG_HOME: await temporaryFolder(t),
    TERM: 'xterm',
  }
  const bold = '\u001B[1m'
  t.assert.ok((await callOnTerminal(t, ['items', 'list'], { env })).screen.includes(bold))
  t.assert.ok(!(await callOnTerminal(t, ['items', 'list'], { env: { ...env, NO_COLOR: '1' } })).screen.includes(bold))
  t.assert.ok(!(await call(t, ['items', 'list'], { env })).out.includes(bold))
})
