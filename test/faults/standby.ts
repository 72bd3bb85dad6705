import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { findPrograms } from '../../src/database/embedded/binaries.ts'
import { launch } from '../../src/database/embedded/launch.ts'
import { shutDown } from '../../src/database/embedded/postmaster.ts'
import type { Server } from '../../src/database/server.ts'
import { onServer } from '../support/app.ts'
import type { Cleanup } from '../support/cleanup.ts'
import type { OwnPostgres } from '../support/postgres.ts'
import { temporaryFolder } from '../support/service.ts'
import { until } from '../support/until.ts'

export interface Standby {
  server: Server
  /** It continues to receive what is written, and shows nothing of it. */
  lag(): Promise<void>
  /** Promotes it. */
  promote(): Promise<void>
}

const follower = `select from pg_stat_replication where state = 'streaming' and sync_state <> 'async'`

/** Milliseconds. */
const startTimeout = 30_000

/**
 * Copies the files of `primary` while it is stopped, and starts a standby on them that follows it by streaming. From then on
 * a commit is confirmed when both have it.
 */
export async function openStandby(
  t: Cleanup,
  primary: OwnPostgres,
  settings: Record<string, string>,
): Promise<Standby> {
  const folder = await temporaryFolder(t)
  const cluster = join(folder, 'postgres')
  await primary.stop()
  await cp(join(primary.folder, 'postgres'), cluster, { recursive: true, preserveTimestamps: true })
  await writeFile(join(cluster, 'standby.signal'), '')
  await primary.start()

  const { host, port, user } = primary.administration
  const { child, sockets } = await launch({
    folder,
    cluster,
    logFile: join(folder, 'postgres.log'),
    programs: await findPrograms(),
    settings: { ...settings, primary_conninfo: `host=${host} port=${port} user=${user}` },
    deadline: Date.now() + startTimeout,
    log: () => {},
  })
  t.after(() => shutDown(child.pid ?? 0, cluster))
  const server = { ...primary.server, host: sockets }
  const administration = { ...primary.administration, host: sockets }
  const isStandby = () => onServer(server, 'select pg_is_in_recovery() as is').then(({ rows }) => rows[0].is)
  await until(() => isStandby().catch(() => false))
  await onServer(primary.administration, `alter system set synchronous_standby_names = '*'`)
  await onServer(primary.administration, 'select pg_reload_conf()')
  await until(async () => (await onServer(primary.administration, follower)).rowCount)
  return {
    server,
    async lag() {
      await onServer(administration, 'select pg_wal_replay_pause()')
    },
    async promote() {
      // Waiting there would block what is waited for.
      await onServer(administration, 'select pg_promote(false)')
      await until(async () => !(await isStandby()))
    },
  }
}
