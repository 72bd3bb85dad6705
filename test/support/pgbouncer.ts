import { chown, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Client } from 'pg'

import { clientConfig, type Server } from '../../src/database/server.ts'
import type { Cleanup } from './cleanup.ts'
import { startDaemon } from './daemon.ts'
import { withoutProgram } from './programs.ts'
import { temporaryFolder } from './service.ts'
import { freePort } from './stores.ts'
import { until } from './until.ts'

export const withoutPgBouncer = withoutProgram('pgbouncer')

const unprivileged = { uid: 65_534, gid: 65_534 }

export interface PgBouncer {
  /** As clients reach it. */
  server: Server
  /** Leads clients to another PostgreSQL from now on, without closing their connections. */
  moveTo(target: Server): Promise<void>
  /** Kills it, and starts it again after so many milliseconds. */
  crash(pause: number): Promise<void>
}

/** Starts a PgBouncer before `target`, which ends with the test. */
export async function openPgBouncer(
  t: Cleanup,
  target: Server,
  mode: 'session' | 'transaction',
  poolSize = 10,
): Promise<PgBouncer> {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  const file = join(folder, 'pgbouncer.ini')
  const configure = ({ host, port: upstream, user, database }: Server) =>
    writeFile(
      file,
      `[databases]
${target.database} = host=${host} port=${upstream} user=${user} dbname=${database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
admin_users = ${target.user}
pool_mode = ${mode}
default_pool_size = ${poolSize}
max_client_conn = 500
server_login_retry = 1
`,
    )
  await configure(target)
  // It refuses to run as root, and has to be let into the folder of the socket.
  const isSocket = target.host.startsWith('/')
  const { uid, gid } = await stat(isSocket ? join(target.host, `.s.PGSQL.${target.port}`) : folder)
  const owner = uid === 0 ? unprivileged : { uid, gid }
  await chown(folder, owner.uid, owner.gid)
  let process = startDaemon(t, 'pgbouncer', [file], owner)
  const server = { ...target, host: '127.0.0.1', port }
  const administration = { ...server, database: 'pgbouncer' }
  const started = () =>
    until(() =>
      command(administration, 'show version').then(
        () => true,
        () => false,
      ),
    )
  await started()
  return {
    server,
    async moveTo(other) {
      await configure(other)
      await command(administration, 'reload')
      await command(administration, `reconnect ${target.database}`)
    },
    async crash(pause) {
      await process.kill('SIGKILL')
      await sleep(pause)
      process = startDaemon(t, 'pgbouncer', [file], owner)
      await started()
    },
  }
}

async function command(server: Server, statement: string): Promise<void> {
  const client = new Client(clientConfig(server))
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(statement)
  } finally {
    await client.end()
  }
}
