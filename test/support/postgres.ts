import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { pino } from 'pino'

import { startEmbedded } from '../../src/database/embedded/embedded.ts'
import { upgrade } from '../../src/database/migrate.ts'
import type { Server } from '../../src/database/server.ts'
import { onServer } from './app.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'
import { temporaryFolder } from './service.ts'

/** A PostgreSQL of its own, with the tables of the service, to be stopped, started and killed. */
export interface OwnPostgres {
  /** As the service reaches it. */
  server: Server
  /** As its superuser. */
  administration: Server
  /** Of its files. */
  folder: string
  start(): Promise<void>
  stop(): Promise<void>
  /** Stops it, and starts it after so many milliseconds. */
  restart(pause?: number): Promise<void>
  /** The ids of all its processes, the first of them first. */
  pids(): Promise<number[]>
  /** Kills the process behind one of the service's connections. */
  killBackend(): Promise<void>
}

/** @param folder where its files are, if not in one that is removed afterwards */
export async function openOwnPostgres(
  t: Cleanup,
  settings: Record<string, string> = { fsync: 'off' },
  folder?: string,
): Promise<OwnPostgres> {
  const files = folder ?? (await temporaryFolder(t))
  const open = () => startEmbedded(files, { log: () => {}, settings })
  let running = await open()
  closeAfter(t, () => running.stop())
  const { connection: server, administration } = running
  await upgrade(server, 'public', pino({ level: 'silent' }))
  const start = async () => void (running = await open())
  const stop = () => running.stop()
  return {
    server,
    administration,
    folder: files,
    start,
    stop,
    async restart(pause = 0) {
      await stop()
      await sleep(pause)
      await start()
    },
    async pids() {
      const first = await postmasterPid(files)
      const { rows } = await onServer(server, 'select pid from pg_stat_activity where pid <> pg_backend_pid()')
      return [first, ...rows.map(({ pid }: { pid: number }) => pid)]
    },
    async killBackend() {
      const { rows } = await onServer(
        server,
        `select pid from pg_stat_activity where application_name = 'stockroom' and pid <> pg_backend_pid()`,
      )
      process.kill(rows[0].pid, 'SIGKILL')
    },
  }
}

/** The file of an embedded PostgreSQL in this folder that says who runs it. */
export function lockFile(dataDir: string): string {
  return join(dataDir, 'postgres', 'postmaster.pid')
}

export async function postmasterPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(lockFile(dataDir), 'utf8'), 10)
}
