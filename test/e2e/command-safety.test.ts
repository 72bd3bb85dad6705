import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { count, price, version } from '../../src/cli/filter-options.ts'
import { visible } from '../../src/cli/terminal.ts'
import { openApp } from '../support/app.ts'
import { call, callOnTerminal, withoutTerminals } from '../support/command.ts'
import { password } from '../support/fixtures.ts'
import { type Line, problem, scripted } from '../support/scripted.ts'
import { temporaryFolder } from '../support/service.ts'

const id = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
/** Colors, moves the cursor, sets the title, begins C1 controls, and reverses the text. */
const hostile = 'a\u001B[31m\u001B]0;x\u0007\r\u009B2J\u202Eb\u200Ec\u061Cd\u2066e\u{E0041}\u00ADf'
const shown = 'a\\u001b[31m\\u001b]0;x\\u0007\\u000d\\u009b2J\\u202eb\\u200ec\\u061cd\\u2066e\\udb40\\udc41\\u00adf'
const item = { id, name: hostile, category: hostile, price_usd: 1, in_stock: true, store_manager_id: hostile }
// No other control or format character than a line feed and joiners.
const unsafe = /[[\p{Cc}\p{Cf}]--[\n\u200c\u200d]]/v

/** Calls the command against a server with these responses. */
async function against(t: TestContext, lines: Line[], token = 'kept') {
  const server = await scripted(t, lines)
  const folder = await temporaryFolder(t)
  const env = { STOCKROOM_URL: server.url, STOCKROOM_TOKEN: token, XDG_CONFIG_HOME: folder }
  const go = (args: string[], input: string | Buffer = '') => call(t, args, { env, cwd: folder, input })
  return { server, folder, env, go }
}

test('text of others is printed without control or format characters', async (t: TestContext) => {
  t.assert.strictEqual(visible(hostile), shown)
  t.assert.strictEqual(visible('Crème 茶 👩\u200d🍳 می\u200cخواهم'), 'Crème 茶 👩\u200d🍳 می\u200cخواهم')
  const failed = {
    status: 404,
    headers: { 'content-type': 'application/problem+json' },
    body: { detail: hostile, code: 'item_not_found', title: hostile },
  }
  const errors = [{ type: 'x', loc: ['body', hostile], msg: hostile }]
  const invalid = { status: 422, body: { detail: hostile, code: 'invalid_request', errors } }
  const page = { status: 200, headers: { link: '</items>; rel="first"' }, body: { [id]: item } }
  const one = { status: 200, headers: { etag: '"1\u009B2J"' }, body: { ...item, [hostile]: hostile } }
  const rows = [{ line: 2, column: hostile, type: 'x', msg: hostile }]
  const report = { created: 0, updated: 0, unchanged: 0, failed: 1, errors: rows, errors_omitted: 0 }
  const csv = {
    status: 200,
    headers: { 'content-type': 'text/csv' },
    body: `id,name,category\r\n${id},${hostile},Pet\r\n`,
  }
  const cases: [args: string[], line: Line][] = [
    [['items', 'get', id], failed],
    [['items', 'get', id], invalid],
    [['items', 'get', id], one],
    [['items', 'list'], page],
    [['import', `${hostile}.csv`], { status: 200, body: report }],
    [['export', `${hostile}.new.csv`], csv],
    [['items', hostile], page],
    [['items', 'rm', hostile], { status: 204 }],
  ]
  await Promise.all(
    cases.flatMap(([args, line]) =>
      [[], ['--json']].map(async (json) => {
        const { folder, go } = await against(t, [line])
        await writeFile(join(folder, `${hostile}.csv`), 'name\n')
        const { out, err } = await go([...args, ...json])
        t.assert.doesNotMatch(out + err, unsafe, args.join(' '))
        t.assert.ok((out + err).includes('\\u001b[31m'), `${args.join(' ')}: ${out}${err}`)
        if (json.length > 0) JSON.parse(out || err)
      }),
    ),
  )
})

test('an export to a terminal cannot steer it', { skip: withoutTerminals }, async (t: TestContext) => {
  const text = `id,name,category\r\n${id},${hostile},Pet\r\n`
  const { env } = await against(t, [{ status: 200, headers: { 'content-type': 'text/csv' }, body: text }])
  const { code, screen } = await callOnTerminal(t, ['export', '-'], { env })
  t.assert.deepStrictEqual([code, screen.includes(shown)], [0, true], screen)
  t.assert.ok(!screen.includes('\u001B[31m'))
})

test('passwords in addresses and broken tokens are not quoted', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const base = { XDG_CONFIG_HOME: folder }
  const addresses = [
    'http://ada:s3cret@localhost:8000',
    'http://s3cret@localhost:8000',
    'htps://ada:s3cret@localhost:8000',
    'http://ada:s3cret@local host',
    'ada:s3cret@localhost',
    'http://localhost:8000/?token=s3cret',
    'http://localhost:8000/#s3cret',
  ]
  const called = await Promise.all([
    ...addresses.map((address) => call(t, ['items', 'list', '--server', address], { env: base })),
    ...addresses.map((address) => call(t, ['login', '--json'], { env: { ...base, STOCKROOM_URL: address } })),
    call(t, ['items', 'list', '--sever=http://ada:s3/cret@localhost'], { env: base }),
    call(t, ['items', 'http://ada:s3cret@localhost'], { env: base }),
    ...['s3cret\ns3cret', 's3cret s3cret', 's3cré'].map((token) =>
      call(t, ['items', 'list'], { env: { ...base, STOCKROOM_TOKEN: token } }),
    ),
  ])
  for (const { code, out, err } of called) {
    t.assert.deepStrictEqual([code, out], [2, ''], err)
    t.assert.doesNotMatch(err, /s3cr|cret@/)
    t.assert.match(err, /^[^\n]+\n$/)
  }
})

test('a token of a file may end with a line break', async (t: TestContext) => {
  const page = { status: 200, headers: { link: '</items>; rel="first"' }, body: {} }
  const { server, go } = await against(t, [page], 'kept\r\n')
  t.assert.strictEqual((await go(['items', 'list'])).code, 0)
  t.assert.strictEqual(server.requests[0]?.headers.authorization, 'Bearer kept')
})

test('damaged credentials are named and not quoted', async (t: TestContext) => {
  const page = { status: 200, headers: { link: '</items>; rel="first"' }, body: {} }
  const cases: [text: string, code: number][] = [
    ['{}', 3],
    ['{"accounts":{}}', 3],
    ['{"server":"http://localhost","accounts":{"http://localhost":{"email":"a@b.c","token":"s3cret', 1],
    ['s3cret', 1],
    ['', 1],
    ['null', 1],
    ['[7]', 3],
    ['{"accounts":null}', 1],
    ['{"accounts":{"x":null}}', 1],
    ['{"accounts":{"x":{"email":"a@b.c","token":"s3cret\\ns3cret"}}}', 1],
    ['{"server":7}', 1],
  ]
  await Promise.all(
    cases.map(async ([text, code]) => {
      const { folder, go } = await against(t, [code === 3 ? problem(401, 'missing_token') : page], '')
      await mkdir(join(folder, 'stockroom'))
      await writeFile(join(folder, 'stockroom/credentials.json'), text)
      const listed = await go(['items', 'list'])
      t.assert.strictEqual(listed.code, code, text + listed.err)
      t.assert.doesNotMatch(listed.err, /s3cret|\n./)
      if (code === 1) t.assert.match(listed.err, /credentials\.json is damaged\. Delete it and sign in again\.\n$/)
    }),
  )
})

test('a password may be piped with a byte order mark, but only in UTF-8', async (t: TestContext) => {
  const { app, register } = await openApp(t)
  const email = 'ada@example.com'
  await register(email)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const login = async (input: Buffer) =>
    call(t, ['login', '--email', email], {
      env: { STOCKROOM_URL: url, XDG_CONFIG_HOME: await temporaryFolder(t) },
      input,
    })
  const text = `${password}\r\nmore`
  t.assert.strictEqual((await login(Buffer.from(`\uFEFF${text}`))).code, 0)
  for (const input of [
    Buffer.from(`\uFEFF${text}`, 'utf16le'),
    Buffer.from(text, 'utf16le'),
    Buffer.from('pässword', 'latin1'),
  ]) {
    const { code, err } = await login(input)
    t.assert.deepStrictEqual([code, err], [2, 'Standard input is not valid UTF-8. Encode the password as UTF-8.\n'])
  }
})

test('register creates a manager and signs in', async (t: TestContext) => {
  const { app } = await openApp(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const env = { STOCKROOM_URL: url, XDG_CONFIG_HOME: await temporaryFolder(t) }
  const args = ['register', '--name', 'Ada Lovelace', '--email', 'ada@example.com']
  const registered = await call(t, args, { env, input: password })
  t.assert.match(
    registered.out,
    /^Registered ada@example\.com with the ID [\w-]{36}\.\nSigned in at .*\.\n$/,
    registered.err,
  )
  t.assert.strictEqual((await call(t, ['items', 'list', '--json'], { env })).out, '[]\n')
  const again = await call(t, args, { env, input: password })
  t.assert.deepStrictEqual([again.code, again.out], [1, ''])
  const weak = await call(t, ['register', '--name', 'x', '--email', 'x'], { env, input: 'short' })
  t.assert.match(weak.err, /^--email must be an email address\.\npassword must have at least 8 characters\.\n$/)
  t.assert.strictEqual((await call(t, ['register'], { env })).code, 2)
})

test('register on a terminal asks for the password twice', { skip: withoutTerminals }, async (t: TestContext) => {
  const { app } = await openApp(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const env = { STOCKROOM_URL: url, XDG_CONFIG_HOME: await temporaryFolder(t) }
  const answers = (second: string): [string, string][] => [
    ['Name: ', 'Ada\r'],
    ['Email address: ', 'ada@example.com\r'],
    ['New password for ', `${password}\r`],
    ['Repeat password: ', `${second}\r`],
  ]
  const other = await callOnTerminal(t, ['register'], { env, dialogue: answers('another') })
  t.assert.match(other.screen, /Passwords do not match\. No manager was created\.\r\n$/)
  const same = await callOnTerminal(t, ['register'], { env, dialogue: answers(password) })
  t.assert.match(same.screen, /Registered ada@example\.com .*\r\nSigned in at /)
  t.assert.ok(!same.screen.includes('correct'))
})

test('a redirect or a foreign page is an error in one line', async (t: TestContext) => {
  const other = await scripted(t, [{ status: 200, body: {} }])
  const html = { 'content-type': 'text/html' }
  const lines: Line[] = [
    { status: 307, headers: { location: `${other.url}/login?x=y` } },
    { status: 200, headers: html, body: '<html>' },
    { status: 404, headers: html, body: '<html>' },
  ]
  const calls: string[][] = [
    ['items', 'rm', id],
    ['login', '--email', 'ada@example.com'],
    ['import', 'new.csv'],
    ['export', 'out.csv', '--force'],
  ]
  for (const line of lines) {
    const { folder, go, server } = await against(t, [line])
    await writeFile(join(folder, 'new.csv'), 'name\n')
    await writeFile(join(folder, 'out.csv'), 'good\n')
    const called = await Promise.all(calls.map((args) => go(args, password)))
    for (const [at, { code, out, err }] of called.entries()) {
      t.assert.deepStrictEqual([code, out], [1, ''], `${calls[at]?.join(' ')}: ${err}`)
      t.assert.match(err, /^The address does not respond like Stockroom: [^\n]+\n$/)
      if (line === lines[0]) t.assert.ok(err.includes(`${other.url}/login.`))
    }
    t.assert.strictEqual(await readFile(join(folder, 'out.csv'), 'utf8'), 'good\n')
    t.assert.strictEqual(server.requests.length, calls.length)
  }
  t.assert.strictEqual(other.requests.length, 0)
})

test('numbers are read exactly, in the notation of JSON', async (t: TestContext) => {
  const wrong = '.5|5.|0x10| ||05|+5|1_000|Infinity|NaN|1e999|-1|4,99|4.99 | 4.99|4.99999999999999999999'.split('|')
  for (const text of wrong) t.assert.throws(() => price(text), { code: 'commander.invalidArgument' }, text)
  const right = { '0': 0, '-0': -0, '4.99': 4.99, '1e-7': 1e-7, '1E2': 100, '0.10': 0.1 }
  for (const [text, value] of Object.entries(right)) t.assert.strictEqual(price(text), value)
  for (const text of ['0', '-1', '1e3', '0x10', '1.5', ' 1', '']) t.assert.throws(() => count(text), text)
  for (const text of ['x', '"1"x', '']) t.assert.throws(() => version(text), text)
  const { go, server } = await against(t, [{ status: 200, body: item }])
  const called = await Promise.all([
    go(['items', 'set', id, '--price=.5']),
    go(['items', 'list', '--min-price=0x10']),
    go(['export', 'x.csv', '--max-price=4.99999999999999999999']),
    go(['items', 'set', id, '--price=1', '--if-version=x"y']),
  ])
  for (const { code, err } of called) {
    t.assert.strictEqual(code, 2)
    t.assert.match(err, /^option '--[a-z-]+ <\w+>' argument '[^']*' is invalid\. [^\n]+\n$/)
  }
  t.assert.strictEqual(server.requests.length, 0)
})

test('errors name the options of the command', async (t: TestContext) => {
  const { app, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const env = { STOCKROOM_URL: url, STOCKROOM_TOKEN: ada.token, XDG_CONFIG_HOME: await temporaryFolder(t) }
  const go = (...args: string[]) => call(t, args, { env })
  const [category, owner, name, search] = await Promise.all([
    go('items', 'list', '--category', 'pet'),
    go('items', 'list', '--owner', 'x'),
    go('items', 'add', '--name', '', '--category', 'x', '--price', '1'),
    go('items', 'list', '--search', ''),
  ])
  t.assert.match(category?.err ?? '', /^--category must be one of "Grocery", .*\.\n$/)
  t.assert.match(owner?.err ?? '', /^--owner must be a UUID such as .*\n$/)
  t.assert.match(name?.err ?? '', /^--name must have at least 1 character\.\n--category must be one of .*\.\n$/)
  t.assert.match(search?.err ?? '', /^--search /)
})
