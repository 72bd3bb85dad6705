import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { Client } from 'pg'

import { type EmbeddedServer, startEmbedded } from '../src/database/embedded/embedded.ts'

const options = { log() {}, settings: { fsync: 'off' } }
const timeout = 20_000
const module = new URL('../src/database/embedded/embedded.ts', import.meta.url)
const isRoot = process.getuid?.() === 0

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

// Setting a cluster up is what takes the time, so all tests that can go on with one do.
const shared = await mkdtemp(join(tmpdir(), 'embedded test '))
after(() => rm(shared, { recursive: true }))

test(
  'a cold start makes a database that answers, and a stop leaves nothing running',
  { timeout },
  async (t: TestContext) => {
    const { dataDir } = openFolder(t, shared)
    const server = await startEmbedded(dataDir, options)
    t.assert.deepStrictEqual([server.started, server.ownerPid], [true, undefined])
    const sql = `select current_database(), current_setting('data_checksums') as checksums, upper('é') as upper`
    t.assert.deepStrictEqual(await query(server, sql), [{ current_database: 'stockroom', checksums: 'on', upper: 'É' }])
    t.assert.strictEqual((await stat(dataDir)).mode & 0o777, 0o700)
    const pid = await postmasterPid(dataDir)
    await server.stop()
    t.assert.strictEqual(isRunning(pid), false)
    t.assert.strictEqual(existsSync(server.connection.host), false)
    t.assert.deepStrictEqual(await readdir(dataDir), ['postgres', 'postgres.log'])
  },
)

test('after kill -9 of its owner a server is adopted with every committed row', { timeout }, async (t: TestContext) => {
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

test(
  'after kill -9 of the server in the middle of writing, every acknowledged row is there',
  { timeout },
  async (t: TestContext) => {
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
  },
)

test(
  'lock files whose process number now belongs to another program do not prevent a start',
  { timeout },
  async (t: TestContext) => {
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
  },
)

test(
  'a second start learns who the owner is, and its stop leaves the server running',
  { timeout },
  async (t: TestContext) => {
    const { dataDir, startElsewhere } = openFolder(t, shared)
    const owner = await startElsewhere()
    const guest = await startEmbedded(dataDir, options)
    t.assert.deepStrictEqual([guest.started, guest.ownerPid], [false, owner.child.pid])
    await guest.stop()
    t.assert.deepStrictEqual(await query(owner.server, 'select 1 as alive'), [{ alive: 1 }])
  },
)

test('of two starts at once on an empty folder one becomes the owner', { timeout }, async (t: TestContext) => {
  const { dataDir, startElsewhere } = await openEmptyFolder(t)
  const both = await Promise.all([startElsewhere(), startElsewhere()])
  const [owner, guest] = both.toSorted((a, b) => (a.server.ownerPid ?? 0) - (b.server.ownerPid ?? 0))
  t.assert.deepStrictEqual([owner?.server.ownerPid, guest?.server.ownerPid], [undefined, owner?.child.pid])
  t.assert.deepStrictEqual(await query(both[0].server, 'select 1 as alive'), [{ alive: 1 }])
  t.assert.deepStrictEqual(await readdir(dataDir), ['postgres', 'postgres.log'])
})

test(
  'what a set-up that was killed has left is removed, and not taken for a cluster',
  { timeout },
  async (t: TestContext) => {
    const { dataDir } = await openEmptyFolder(t)
    const { pid } = spawnSync('true')
    await mkdir(join(dataDir, `postgres.new-${pid}`, 'base'), { recursive: true })
    const server = await startEmbedded(dataDir, options)
    t.assert.deepStrictEqual(await query(server, 'select 1 as alive'), [{ alive: 1 }])
    await server.stop()
    t.assert.deepStrictEqual(await readdir(dataDir), ['postgres', 'postgres.log'])
  },
)

test('a start that fails says why in the words of the server', { timeout }, async (t: TestContext) => {
  const { dataDir } = openFolder(t, shared)
  const settings = { fsync: 'off', shared_buffers: 'many' }
  const words = /invalid value for parameter "shared_buffers": "many"/
  await t.assert.rejects(startEmbedded(dataDir, { ...options, settings }), words)
  await (await startEmbedded(dataDir, options)).stop()
})

const unlessRoot = isRoot ? false : 'PostgreSQL minds the user only if that is root'

test(
  'root starts it in a folder that only root may enter, spaces in its path',
  { timeout, skip: unlessRoot },
  async (t: TestContext) => {
    const { dataDir } = openFolder(t, shared)
    t.assert.strictEqual((await stat(shared)).mode & 0o777, 0o700)
    t.assert.match(dataDir, / /)
    const server = await startEmbedded(dataDir, options)
    t.assert.deepStrictEqual(await query(server, 'select 1 as alive'), [{ alive: 1 }])
    t.assert.strictEqual((await stat(lockFile(dataDir))).uid, 0)
    await server.stop()
  },
)

const mayMount = isRoot && spawnSync('env', [...withoutNamespaces, 'true']).status === 0
const isOpenToOthers = spawnSync('test', ['-r', fileURLToPath(module)], { uid: 65_534 }).status === 0
const unlessNobody = mayMount
  ? !isOpenToOthers && 'the project is in a folder that nobody else may enter'
  : 'takes root, and leave to mount'

test(
  'without user namespaces root runs it as nobody, and later as before',
  { timeout, skip: unlessNobody },
  async (t: TestContext) => {
    const { dataDir, startElsewhere } = openFolder(t, shared)
    await chmod(shared, 0o711)
    const { child, server: before } = await startElsewhere(withoutNamespaces)
    await query(before, 'drop table if exists kept; create table kept as select 1 as n')
    t.assert.strictEqual((await stat(lockFile(dataDir))).uid, 65_534)
    await kill(child)
    await (await startEmbedded(dataDir, options)).stop()
    const server = await startEmbedded(dataDir, options)
    t.assert.deepStrictEqual(await query(server, 'select n from kept'), [{ n: 1 }])
    t.assert.strictEqual((await stat(lockFile(dataDir))).uid, 0)
    await server.stop()
  },
)

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
  await rm(sockets, { recursive: true, force: true })
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function lockFile(dataDir: string): string {
  return join(dataDir, 'postgres', 'postmaster.pid')
}

async function postmasterPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(lockFile(dataDir), 'utf8'), 10)
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
