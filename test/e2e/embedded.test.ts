import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Client } from 'pg'
import { pino } from 'pino'

import { type EmbeddedServer, startEmbedded } from '../../src/database/embedded/embedded.ts'
import { downgrade, upgrade } from '../../src/database/migrate.ts'
import { makeOldCluster } from '../support/old-cluster.ts'
import { lockFile, postmasterPid } from '../support/postgres.ts'
import { run, signInAt, startService } from '../support/service.ts'

const options = { log() {}, settings: { fsync: 'off' } }
const timeout = 120_000
const module = new URL('../../src/database/embedded/embedded.ts', import.meta.url)
const isRoot = process.getuid?.() === 0

/** As which the server runs where we are root. */
const serverUser = 61_000

/** A process that starts the server in the folder it is given, tells the outcome and stays. */
const starter = `
  import { startEmbedded } from '${module.href}'
  const server = await startEmbedded(process.argv[1], { log() {}, settings: { fsync: 'off' } })
  console.log(JSON.stringify(server))
  setInterval(() => {}, 1000)`

/** Makes /usr/bin/unshare fail, for the command that follows alone. */
const withoutNamespaces = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount --bind /bin/false "$(command -v unshare)" && exec "$@"',
  'sh',
]

// Setting a cluster up is what takes the time, so all tests that can share one do.
const shared = await mkdtemp(join(tmpdir(), 'embedded test '))
after(() => rm(shared, { recursive: true }))

test('a cold start creates a database, and a stop ends its processes', { timeout }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  const server = await startEmbedded(dataDir, options)
  t.assert.deepStrictEqual([server.started, server.ownerPid], [true, undefined])
  const sql = `select current_database(), current_setting('data_checksums') as checksums, upper('é') as upper`
  t.assert.deepStrictEqual(await query(server, sql), [{ current_database: 'stockroom', checksums: 'on', upper: 'É' }])
  // The group is that of the server alone, and may only pass through.
  t.assert.strictEqual((await stat(dataDir)).mode & 0o777, isRoot ? 0o710 : 0o700)
  const pid = await postmasterPid(dataDir)
  await server.stop()
  t.assert.strictEqual(isRunning(pid), false)
  t.assert.strictEqual(existsSync(join(server.connection.host, '.s.PGSQL.5432')), false)
  t.assert.deepStrictEqual(await readdir(dataDir), ['postgres', 'postgres.log'])
})

test('after kill -9 of its owner a server is adopted with all its rows', { timeout }, async (t: TestContext) => {
  const { dataDir, startElsewhere } = openFolder(t, shared)
  const { child, server: before } = await startElsewhere()
  await query(before, 'drop table if exists kept; create table kept as select generate_series(1, 1000) as n')
  await kill(child)
  const server = await startEmbedded(dataDir, options)
  t.assert.deepStrictEqual([server.started, server.ownerPid], [false, undefined])
  t.assert.deepStrictEqual(await query(server, 'select count(*)::int as rows from kept'), [{ rows: 1000 }])
  const pid = await postmasterPid(dataDir)
  await server.stop()
  t.assert.strictEqual(isRunning(pid), false)
})

test('kill -9 of a writing server loses no acknowledged row', { timeout }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  const crashed = await startEmbedded(dataDir, options)
  await query(crashed, 'drop table if exists kept; create table kept (n int)')
  const writing = insertUntilItFails(crashed)
  await sleep(150)
  process.kill(await postmasterPid(dataDir), 'SIGKILL')
  const acknowledged = await writing
  const server = await startEmbedded(dataDir, options)
  t.assert.strictEqual(server.started, true)
  const [{ rows }] = (await query(server, 'select count(*)::int as rows from kept')) as [{ rows: number }]
  // The one in flight may have been committed too.
  t.assert.strictEqual(rows === acknowledged || rows === acknowledged + 1, true, `${rows} rows of ${acknowledged}`)
  await crashed.stop()
  t.assert.deepStrictEqual(await query(server, 'select 1 as alive'), [{ alive: 1 }])
  await server.stop()
})

test('a start ignores lock files whose PID another program has now', { timeout }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  const crashed = await startEmbedded(dataDir, options)
  process.kill(await postmasterPid(dataDir), 'SIGKILL')
  for (const file of [lockFile(dataDir), join(crashed.connection.host, '.s.PGSQL.5432.lock')]) {
    const [, ...rest] = (await readFile(file, 'utf8')).split('\n')
    await writeFile(file, [process.pid, ...rest].join('\n'))
  }
  const server = await startEmbedded(dataDir, options)
  t.assert.deepStrictEqual(await query(server, 'select 1 as alive'), [{ alive: 1 }])
  await server.stop()
  await crashed.stop()
})

test('a second start names the owner and leaves the server running', { timeout }, async (t: TestContext) => {
  const { dataDir, startElsewhere } = openFolder(t, shared)
  const owner = await startElsewhere()
  const guest = await startEmbedded(dataDir, options)
  t.assert.deepStrictEqual([guest.started, guest.ownerPid], [false, owner.child.pid])
  await guest.stop()
  t.assert.deepStrictEqual(await query(owner.server, 'select 1 as alive'), [{ alive: 1 }])
})

test('of two concurrent starts on an empty folder one becomes the owner', { timeout }, async (t: TestContext) => {
  const { dataDir, startElsewhere } = await openEmptyFolder(t)
  const both = await Promise.all([startElsewhere(), startElsewhere()])
  const [owner, guest] = both.toSorted((a, b) => (a.server.ownerPid ?? 0) - (b.server.ownerPid ?? 0))
  t.assert.deepStrictEqual([owner?.server.ownerPid, guest?.server.ownerPid], [undefined, owner?.child.pid])
  t.assert.deepStrictEqual(await query(both[0].server, 'select 1 as alive'), [{ alive: 1 }])
  t.assert.deepStrictEqual(await readdir(dataDir), ['postgres', 'postgres.log'])
})

test('the remains of a killed initdb are removed', { timeout }, async (t: TestContext) => {
  const { dataDir } = await openEmptyFolder(t)
  const { pid } = spawnSync('true')
  await mkdir(join(dataDir, `postgres.new-${pid}`, 'base'), { recursive: true })
  const server = await startEmbedded(dataDir, options)
  t.assert.deepStrictEqual(await query(server, 'select 1 as alive'), [{ alive: 1 }])
  await server.stop()
  t.assert.deepStrictEqual(await readdir(dataDir), ['postgres', 'postgres.log'])
})

test("a failed start quotes the server's reason", { timeout }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  const settings = { fsync: 'off', shared_buffers: 'many' }
  const words = /invalid value for parameter "shared_buffers": "many"/
  await t.assert.rejects(startEmbedded(dataDir, { ...options, settings }), words)
  await (await startEmbedded(dataDir, options)).stop()
})

const unlessRoot = isRoot ? false : 'PostgreSQL minds the user only if that is root'

test(
  'root starts it in a folder only root may enter, with spaces',
  { timeout, skip: unlessRoot },
  async (t: TestContext) => {
    const { dataDir } = openFolder(t, shared)
    t.assert.strictEqual((await stat(shared)).mode & 0o777, 0o700)
    t.assert.match(dataDir, / /)
    const server = await startEmbedded(dataDir, options)
    t.assert.deepStrictEqual(await query(server, 'select 1 as alive'), [{ alive: 1 }])
    t.assert.strictEqual((await stat(lockFile(dataDir))).uid, serverUser)
    await server.stop()
  },
)

const mayMount = isRoot && spawnSync('env', [...withoutNamespaces, 'true']).status === 0

for (const program of ['src/main.ts', 'src/cli/main.ts migrate status', 'test/run.ts']) {
  test(
    `${program} as root names the closed folder`,
    { timeout, skip: !mayMount && 'only root can forbid mounting' },
    async (t: TestContext) => {
      const [command = '', ...prefix] = withoutNamespaces
      const { dataDir } = openFolder(t, shared)
      // With a Citus to test on, test/run.ts would start no PostgreSQL.
      const env = { DATA_DIR: dataDir, TMPDIR: shared, LOG_LEVEL: 'silent', TEST_CITUS_URL: '' }
      const { ended, output } = run(t, command, [...prefix, process.execPath, ...program.split(' ')], env)
      t.assert.strictEqual(await ended, 1)
      const line = `^PostgreSQL must not run as root, and user ${serverUser}, .* enter ${shared} \\(.*: Permission denied\\)\\. Let other .*\n$`
      t.assert.match(output(), new RegExp(line))
    },
  )
}

test('the role of the service is no superuser, and reads no files', { timeout }, async (t: TestContext) => {
  const server = await startEmbedded(openFolder(t, shared).dataDir, options)
  await assertUnprivileged(t, server)
  await query(server, 'create extension if not exists pg_trgm')
  const { connection, administration } = server
  t.assert.deepStrictEqual([connection.user, administration.user], ['stockroom', 'postgres'])
  // What a superuser of the database can reach is what the server's user can.
  const read = query({ ...server, connection: administration }, `select pg_read_file('/etc/shadow')`)
  if (isRoot) await t.assert.rejects(read, /Permission denied/)
  await read.catch(() => {})
  await server.stop()
})

test('a cluster of an earlier version keeps its rows, and its role is demoted', { timeout }, async (t: TestContext) => {
  const { dataDir } = await openEmptyFolder(t)
  await makeOldCluster(dataDir)
  const server = await startEmbedded(dataDir, options)
  await assertUnprivileged(t, server)
  t.assert.deepStrictEqual(await query(server, 'select name from items'), [{ name: 'Tea' }])
  t.assert.deepStrictEqual(await query(server, `insert into shop.extra (note) values ('x') returning id`), [{ id: 2 }])
  t.assert.deepStrictEqual(await query(server, 'select shop.one()'), [{ one: 1 }])
  const schemaLog = pino({ level: 'silent' })
  t.assert.strictEqual((await downgrade(server.connection, 'public', schemaLog)).length, 1)
  t.assert.strictEqual((await upgrade(server.connection, 'public', schemaLog)).length, 1)
  await query(server, 'drop schema shop cascade')
  const roles = await query(server, `select rolname, rolsuper from pg_roles where rolname !~ '^pg_' order by 1`)
  t.assert.deepStrictEqual(roles, [
    { rolname: 'postgres', rolsuper: true },
    { rolname: 'stockroom', rolsuper: false },
  ])
  await server.stop()
  const again = await startEmbedded(dataDir, options)
  t.assert.deepStrictEqual(await query(again, 'select name from items'), [{ name: 'Tea' }])
  await again.stop()
})

test('a symbolic link in the data folder is refused and not followed', { timeout }, async (t: TestContext) => {
  const { dataDir } = await openEmptyFolder(t)
  await mkdir(dataDir, { mode: 0o700 })
  const target = join(dataDir, 'target')
  await symlink(target, join(dataDir, 'postgres.log'))
  await t.assert.rejects(startEmbedded(dataDir, options), {
    name: 'StartupError',
    message: `${join(dataDir, 'postgres.log')} is a link, or not a file. Remove it.`,
  })
  t.assert.strictEqual(existsSync(target), false)
})

const folders: [what: string, said: RegExp, arrange: (dataDir: string) => Promise<void>][] = [
  ['a file', /it is a file, or below one\. Choose a directory\./, (dataDir) => writeFile(dataDir, '')],
  [
    'writable for every user',
    /^Other users can write to DATA_DIR \(.*, mode 777\)/,
    async (dataDir) => {
      await mkdir(dataDir)
      await chmod(dataDir, 0o777)
    },
  ],
]
if (isRoot) {
  folders.push([
    "another user's, for root",
    /belongs to user 1234, .* Start it as user 1234, or give the directory to root/,
    async (dataDir) => {
      await mkdir(dataDir)
      await chown(dataDir, 1234, 1234)
    },
  ])
}

for (const [what, said, arrange] of folders) {
  test(`a data folder that is ${what} is refused in one line`, { timeout }, async (t: TestContext) => {
    const { dataDir } = await openEmptyFolder(t)
    await arrange(dataDir)
    await t.assert.rejects(startEmbedded(dataDir, options), (error: Error) => {
      t.assert.strictEqual(error.name, 'StartupError')
      t.assert.match(error.message, said)
      t.assert.ok(!error.message.includes('\n'))
      return true
    })
  })
}

test('a cluster that a volume opened to a group is closed again', { timeout }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  await (await startEmbedded(dataDir, options)).stop()
  await chmod(join(dataDir, 'postgres'), 0o2770)
  const server = await startEmbedded(dataDir, options)
  t.assert.strictEqual((await stat(join(dataDir, 'postgres'))).mode & 0o7777, 0o700)
  await server.stop()
})

test('the socket is in the cluster, or a random folder if too long', { timeout }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  const near = await startEmbedded(dataDir, options)
  t.assert.strictEqual(near.connection.host, join(dataDir, 'postgres'))
  await near.stop()

  const folder = await mkdtemp(join(tmpdir(), 'embedded test '))
  t.after(() => rm(folder, { recursive: true }))
  const far = openFolder(t, join(folder, 'x'.repeat(90)))
  const crashed = await startEmbedded(far.dataDir, options)
  t.assert.match(crashed.connection.host, /\/stockroom-\w{6}$/)
  t.assert.strictEqual((await stat(crashed.connection.host)).mode & 0o777, 0o700)
  const guest = await startEmbedded(far.dataDir, options)
  t.assert.strictEqual(guest.connection.host, crashed.connection.host)
  await guest.stop()
  process.kill(await postmasterPid(far.dataDir), 'SIGKILL')
  const server = await startEmbedded(far.dataDir, options)
  t.assert.notStrictEqual(server.connection.host, crashed.connection.host)
  t.assert.strictEqual(existsSync(crashed.connection.host), false)
  t.assert.deepStrictEqual(await query(server, 'select 1 as alive'), [{ alive: 1 }])
  await crashed.stop()
  await server.stop()
  t.assert.strictEqual(existsSync(server.connection.host), false)
})

test('libpq variables do not affect the embedded server', { timeout: 180_000 }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  const settings = { PGSSLMODE: 'require', PGOPTIONS: '-c no_such_setting=1', PGSSLNEGOTIATION: 'x', PGUSER: 'x' }
  const env = { ...settings, DATA_DIR: dataDir, PORT: '0', WEB_CONCURRENCY: '2' }
  const service = await startService(t, env)
  await signInAt(service.url, 'ada@example.com')
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
  t.assert.strictEqual(existsSync(lockFile(dataDir)), false)
})

test('a start that cannot use the server it has started ends it', { timeout }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  await (await startEmbedded(dataDir, options)).stop()
  const rules = join(dataDir, 'postgres', 'pg_hba.conf')
  const before = await readFile(rules, 'utf8')
  await writeFile(rules, 'local all all reject\n')
  await t.assert.rejects(startEmbedded(dataDir, options), /pg_hba\.conf rejects/)
  t.assert.strictEqual(existsSync(lockFile(dataDir)), false)
  await writeFile(rules, before)
})

test('an owner that lost its lock leaves the server to the next one', { timeout }, async (t: TestContext) => {
  const { dataDir, startElsewhere } = openFolder(t, shared)
  const first = await startEmbedded(dataDir, options)
  // The end of one backend makes PostgreSQL cut all connections, and recover under the same process number.
  const [{ pid }] = (await query(first, 'select pid from pg_stat_activity where application_name ~ $$owner$$')) as [
    { pid: number },
  ]
  process.kill(pid, 'SIGKILL')
  const next = await startElsewhere()
  t.assert.deepStrictEqual([next.server.started, next.server.ownerPid], [false, undefined])
  await first.stop()
  t.assert.deepStrictEqual(await query(next.server, 'select 1 as alive'), [{ alive: 1 }])
})

async function assertUnprivileged(t: TestContext, server: EmbeddedServer): Promise<void> {
  const [role] = await query(server, 'select current_user, rolsuper from pg_roles where rolname = current_user')
  t.assert.deepStrictEqual(role, { current_user: 'stockroom', rolsuper: false })
  await t.assert.rejects(query(server, `select pg_read_file('/etc/passwd')`), { code: '42501' })
  await t.assert.rejects(query(server, `create table files (line text); copy files from '/etc/passwd'`), {
    code: '42501',
  })
  await t.assert.rejects(query(server, `set role postgres`), { code: '42501' })
}

async function openEmptyFolder(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'embedded test '))
  const opened = openFolder(t, folder)
  t.after(() => rm(folder, { recursive: true }))
  return opened
}

/** A place for data in `folder`, and a way to start its server from another process. What still runs is ended after. */
function openFolder(t: TestContext, folder: string) {
  const dataDir = join(folder, '.data')
  const children: ChildProcess[] = []
  t.after(async () => {
    await Promise.all(children.map(kill))
    if (existsSync(lockFile(dataDir))) await endServer(dataDir)
  })
  const startElsewhere = async (prefix: string[] = []) => {
    const command = [...prefix, process.execPath, '--input-type=module', '-e', starter, dataDir] as const
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    const [line] = await once(createInterface(child.stdout), 'line')
    return { child, server: JSON.parse(line) as EmbeddedServer }
  }
  return { dataDir, startElsewhere }
}

async function endServer(dataDir: string): Promise<void> {
  const [pid, , , , sockets = ''] = (await readFile(lockFile(dataDir), 'utf8')).split('\n')
  if (Number(pid) === process.pid) return
  process.kill(Number(pid), 'SIGINT')
  while (existsSync(lockFile(dataDir))) await sleep(20)
  if (!sockets.startsWith(dataDir)) await rm(sockets, { recursive: true, force: true })
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** An ended process that its parent has not taken note of yet has no program any more. */
function isRunning(pid: number): boolean {
  return process.platform === 'linux'
    ? existsSync(`/proc/${pid}/exe`)
    : spawnSync('kill', ['-0', `${pid}`]).status === 0
}

async function query({ connection }: EmbeddedServer, sql: string): Promise<unknown[]> {
  const client = new Client(connection)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** @returns how many rows were acknowledged before the server went away */
async function insertUntilItFails({ connection }: EmbeddedServer): Promise<number> {
  const client = new Client(connection)
  client.on('error', () => {})
  await client.connect()
  for (let acknowledged = 0; ; acknowledged++) {
    try {
      await client.query('insert into kept values ($1)', [acknowledged])
    } catch {
      return acknowledged
    }
  }
}
