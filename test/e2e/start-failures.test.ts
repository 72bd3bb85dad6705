import { chmod, chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { downgrade, upgrade } from '../../src/database/migrate.ts'
import { onServer } from '../support/app.ts'
import { closeAfter } from '../support/cleanup.ts'
import { openFastApiSchema } from '../support/fastapi.ts'
import { openRole, serverOf } from '../support/role.ts'
import { realStores, run, runMain, settingsOf, temporaryFolder } from '../support/service.ts'
import { openTurkishDatabase } from '../support/turkish-database.ts'
import { wrongAtStart } from '../support/wrong-settings.ts'

const silent = pino({ level: 'silent' })

const failures: [what: string, env: Record<string, string>, said: RegExp][] = [
  [
    'a HOST that conda sets',
    { HOST: 'x86_64-conda-linux-gnu' },
    /^HOST does not name an address of this machine \(\w+\)\. Set HOST=localhost/,
  ],
  [
    'a database that is missing',
    { POSTGRES_DB: 'nowhere' },
    /refused the connection: database "nowhere" does not exist\. Check DATABASE_URL or the/,
  ],
]

for (const [what, env, said] of failures) {
  test(`${what} ends the start with one line`, async (t: TestContext) => {
    const { ended, output } = runMain(t, { ...(await realStores(t)), LOG_LEVEL: 'silent', PORT: '0', ...env })
    t.assert.strictEqual(await ended, 1)
    assertOneLine(t, output(), said)
  })
}

for (const [name, [value, said, others]] of Object.entries(wrongAtStart)) {
  test(`a wrong ${name} ends the start with one line`, async (t: TestContext) => {
    const stores = name === 'DATA_DIR' ? {} : await realStores(t)
    const { ended, output } = runMain(t, { ...stores, LOG_LEVEL: 'silent', PORT: '0', ...others, [name]: value })
    t.assert.strictEqual(await ended, 1)
    assertOneLine(t, output(), said)
  })
}

test('a privileged port ends the start with one line', async (t: TestContext) => {
  const lowest = Number(await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(() => '1024'))
  if (lowest <= 80) return t.skip('here every user may listen on every port')
  const folder = await temporaryFolder(t)
  const main = ['--import', './scripts/require-node.mjs', 'src/main.ts']
  // The user may not write what is covered.
  const env = { DATA_DIR: folder, LOG_LEVEL: 'silent', PORT: '80' }
  const [command = '', ...args] = [...(await asUnprivileged(folder)), process.execPath, ...main]
  const { ended, output } = run(t, command, args, env)
  t.assert.strictEqual(await ended, 1)
  assertOneLine(t, output(), /^This user may not listen on port 80\. Set PORT to 1024 or higher\./)
})

for (const encoding of ['SQL_ASCII', 'LATIN1']) {
  test(`a database in ${encoding} ends the start with one line`, async (t: TestContext) => {
    const stores = await realStores(t)
    const name = `encoded_${encoding.toLowerCase()}`
    const admin = serverOf(stores)
    await onServer(admin, `create database ${name} encoding ${encoding} template template0 locale 'C'`)
    closeAfter(t, () => onServer(admin, `drop database ${name}`))
    const { ended, output } = runMain(t, { ...stores, LOG_LEVEL: 'silent', POSTGRES_DB: name })
    t.assert.strictEqual(await ended, 1)
    assertOneLine(t, output(), new RegExp(`has the encoding ${encoding}, but Stockroom needs UTF8\\. Create`))
  })
}

test('a role that may not create tables ends the start with one line', async (t: TestContext) => {
  const { stores, schema, role } = await openRole(t, 'empty')
  const { ended, output } = runMain(t, { ...stores, LOG_LEVEL: 'error' })
  t.assert.strictEqual(await ended, 1)
  const said = `^PostgreSQL denied access to the role ${role} in the schema ${schema} .*: permission denied for schema ${schema}\\. As the owner .* grant`
  assertOneLine(t, output(), new RegExp(said))
})

test('a schema without USAGE for the role ends the start with one line', async (t: TestContext) => {
  const { stores, schema, role, administration } = await openRole(t)
  await onServer(administration, `revoke all on schema ${schema} from ${role}`)
  for (const POSTGRES_SCHEMA of [schema, 'missing_schema']) {
    const { ended, output } = runMain(t, { ...stores, POSTGRES_SCHEMA, LOG_LEVEL: 'error', AUTO_MIGRATE: 'true' })
    t.assert.strictEqual(await ended, 1)
    assertOneLine(
      t,
      output(),
      new RegExp(`^PostgreSQL denied access to the role ${role} in the schema ${POSTGRES_SCHEMA}`),
    )
  }
})

test('a start with an unusable token secret ends with one line', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'jwt-secret')
  await writeFile(path, 'x'.repeat(86))
  await chmod(path, 0o644)
  const { ended, output } = runMain(t, { DATA_DIR: folder, PORT: '0', LOG_LEVEL: 'silent' })
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /^The token secret .*jwt-secret cannot be trusted: .*\n$/)
  t.assert.strictEqual(await readFile(path, 'utf8'), 'x'.repeat(86))
})

test('tables of another program end the start with one line', async (t: TestContext) => {
  const { server, schema, run: query } = await openFastApiSchema(t)
  await query('alter table items drop column in_stock')
  const { ended, output } = runMain(t, { ...settingsOf(server, schema), LOG_LEVEL: 'silent' })
  t.assert.strictEqual(await ended, 1)
  t.assert.match(
    output(),
    /^The schema \w+ has tables that are neither .* \(missing: items\.in_stock\)\. Set POSTGRES_SCHEMA .*\n$/,
  )
})

test('accounts that would collide are named at the start and kept', async (t: TestContext) => {
  const server = await openTurkishDatabase(t)
  await upgrade(server, 'public', silent)
  while (!(await downgrade(server, 'public', silent))[0]?.includes('fold_emails')) continue
  const managers = ['INFO@example.com', 'info@example.com', 'ada@example.com']
  const insert = `insert into store_managers (id, name, email, password_hash) values ($1, 'Ada', $2, 'x')`
  for (const [index, email] of managers.entries()) {
    await onServer(server, insert, [`00000000-0000-4000-8000-00000000000${index}`, email])
  }
  await onServer(
    server,
    `insert into items (id, name, category, price_usd, in_stock, store_manager_id)
     select gen_random_uuid(), 'Tea', 'Pet', 1, true, id from store_managers where email = 'INFO@example.com'`,
  )

  const env = { ...(await realStores(t, 'empty')), POSTGRES_DB: server.database, POSTGRES_SCHEMA: 'public' }
  const { ended, output } = runMain(t, { ...env, PORT: '0' })
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /differ only in case:\n  INFO@example\.com \(id [-\w]{36}, 1 items\)\n  info@/)
  t.assert.match(output(), /Nothing was changed\. Give each account an address of its own/)
  t.assert.doesNotMatch(output(), /ada@example|\.ts:|insert|drop index/)
  const { rows } = await onServer(server, 'select email from store_managers')
  t.assert.deepStrictEqual(rows.map(({ email }) => email).toSorted(), managers.toSorted())

  await onServer(server, `update store_managers set email = 'info2@example.com' where email = 'info@example.com'`)
  t.assert.ok((await upgrade(server, 'public', silent)).length > 0)
})

/** The output is one line, of what is wrong and what to do. */
function assertOneLine(t: TestContext, output: string, said: RegExp): void {
  t.assert.match(output, said)
  t.assert.strictEqual(output.trimEnd().split('\n').length, 1, output)
}

/** What goes before a command to run it as a user who is not root, and owns `folder`. */
async function asUnprivileged(folder: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return []
  await chown(folder, 65_534, 65_534)
  return ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
}
