import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { send } from '../../src/database/embedded/system.ts'
import type { Server } from '../../src/database/server.ts'
import { onServer } from './app.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'
import { type Daemon, type Owner, ownerNamed, startDaemon } from './daemon.ts'
import { withoutProgram } from './programs.ts'
import { temporaryFolder } from './service.ts'
import { freePort } from './stores.ts'
import { until } from './until.ts'

/** Seconds after which the lock of a primary that is gone expires: the least that Patroni accepts. */
export const ttl = 20

const startTimeout = 120_000

export const withoutPatroni =
  withoutProgram('patroni') || withoutProgram('etcd') || withoutProgram('haproxy') || withoutServerPrograms()

/** A PostgreSQL of three nodes with synchronous replication, behind an HAProxy that leads to the primary. */
export interface Patroni {
  /** As clients reach the primary. */
  server: Server
  switchOver(): Promise<void>
  /** Kills all of the primary's machine: Patroni and PostgreSQL. */
  killPrimary(): Promise<void>
  /** Kills the first process of the primary's PostgreSQL, which Patroni starts again. */
  killPostmaster(): Promise<void>
}

interface Node {
  name: string
  port: number
  /** Of its REST API. */
  api: number
  data: string
  patroni: Daemon
}

export async function openPatroni(t: Cleanup): Promise<Patroni> {
  const folder = await temporaryFolder(t)
  const owner = ownerNamed('postgres')
  if (owner) await chown(folder, owner.uid, owner.gid)
  const etcd = await startEtcd(t, folder, owner)
  const nodes: Node[] = []
  for (const name of ['one', 'two', 'three']) nodes.push(await startNode(t, { name, folder, etcd, owner }))
  const port = await startHaproxy(t, folder, nodes)
  const server = { host: '127.0.0.1', port, user: 'postgres', database: 'stockroom' }
  const members = () => cluster(nodes)
  await until(async () => {
    const all = await members().catch(() => [])
    return all.length === 3 && all.some(({ role }) => role === 'sync_standby')
  }, startTimeout)
  await until(
    () =>
      onServer({ ...server, database: 'postgres' }, 'create database stockroom').then(
        () => true,
        () => false,
      ),
    startTimeout,
  )
  const primary = async () => {
    const leader = (await members()).find(({ role }) => role === 'leader')
    const node = nodes.find(({ name }) => name === leader?.name)
    if (node === undefined) throw new Error('the cluster has no primary')
    return node
  }
  return {
    server,
    async switchOver() {
      const { name, api } = await primary()
      const response = await fetch(`http://127.0.0.1:${api}/switchover`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ leader: name }),
      })
      if (!response.ok) throw new Error(`the switchover failed: ${await response.text()}`)
    },
    async killPrimary() {
      const { patroni, data } = await primary()
      await patroni.kill('SIGKILL')
      for (const pid of processesOf(data)) send(pid, 'SIGKILL')
    },
    async killPostmaster() {
      send(postmasterOf((await primary()).data), 'SIGKILL')
    },
  }
}

interface Member {
  name: string
  role: string
}

/** As the first node that responds sees it. */
async function cluster(nodes: Node[]): Promise<Member[]> {
  const ask = async ({ api }: Node) => {
    const response = await fetch(`http://127.0.0.1:${api}/cluster`, { signal: AbortSignal.timeout(2_000) })
    return ((await response.json()) as { members: Member[] }).members
  }
  return Promise.any(nodes.map(ask))
}

async function startEtcd(t: Cleanup, folder: string, owner: Owner | undefined): Promise<number> {
  const clients = await freePort()
  const peers = await freePort()
  const url = `http://127.0.0.1:${clients}`
  const peer = `http://127.0.0.1:${peers}`
  const options = {
    'data-dir': join(folder, 'etcd'),
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
  }
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
  startDaemon(t, 'etcd', args, owner)
  await until(() =>
    fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    ),
  )
  return clients
}

interface Start {
  name: string
  folder: string
  etcd: number
  owner: Owner | undefined
}

async function startNode(t: Cleanup, { name, folder, etcd, owner }: Start): Promise<Node> {
  const home = join(folder, name)
  const data = join(home, 'data')
  await mkdir(home)
  if (owner) await chown(home, owner.uid, owner.gid)
  const port = await freePort()
  const api = await freePort()
  // Patroni reads YAML, of which JSON is a part.
  const config = {
    scope: 'stockroom',
    name,
    restapi: { listen: `127.0.0.1:${api}`, connect_address: `127.0.0.1:${api}` },
    etcd3: { host: `127.0.0.1:${etcd}` },
    bootstrap: {
      dcs: { ttl, loop_wait: 5, retry_timeout: 5, synchronous_mode: true, postgresql: { use_pg_rewind: true } },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'data-checksums'],
    },
    postgresql: {
      listen: `127.0.0.1:${port}`,
      connect_address: `127.0.0.1:${port}`,
      data_dir: data,
      bin_dir: serverPrograms(),
      pgpass: join(home, 'pgpass'),
      authentication: { superuser: { username: 'postgres' }, replication: { username: 'postgres' } },
      pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
      parameters: { unix_socket_directories: home, max_connections: 200 },
    },
  }
  const file = join(home, 'patroni.yml')
  await writeFile(file, JSON.stringify(config))
  closeAfter(t, () => processesOf(data).map((pid) => send(pid, 'SIGKILL')))
  return { name, port, api, data, patroni: startDaemon(t, 'patroni', [file], owner) }
}

async function startHaproxy(t: Cleanup, folder: string, nodes: Node[]): Promise<number> {
  const port = await freePort()
  const file = join(folder, 'haproxy.cfg')
  const servers = nodes.map((node) => `  server ${node.name} 127.0.0.1:${node.port} check port ${node.api}`)
  await writeFile(
    file,
    `defaults
  mode tcp
  retries 1
  timeout connect 1s
  timeout check 2s
  timeout client 1h
  timeout server 1h
listen postgres
  bind 127.0.0.1:${port}
  option httpchk GET /primary
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join('\n')}
`,
  )
  startDaemon(t, 'haproxy', ['-db', '-f', file])
  return port
}

function postmasterOf(data: string): number {
  return Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10)
}

/** The processes that work in the folder of the data. */
function processesOf(data: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isIn(pid, data))
}

function isIn(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === data
  } catch {
    return false
  }
}

/** Where Debian has the programs of the server that are not on PATH. */
function serverPrograms(): string | undefined {
  const root = '/usr/lib/postgresql'
  try {
    const [newest] = readdirSync(root).toSorted((one, other) => Number(other) - Number(one))
    return newest && join(root, newest, 'bin')
  } catch {
    return undefined
  }
}

function withoutServerPrograms(): string | false {
  return serverPrograms() !== undefined || process.env['CI']
    ? false
    : 'there is no PostgreSQL of Debian on this machine'
}
