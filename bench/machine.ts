import { cpus, totalmem } from 'node:os'

import { firstLine } from './commands.ts'
import { generator } from './load.ts'
import { findPgbench } from './pgbench.ts'
import type { Stores } from './stores.ts'

/** The hardware and software of the measurements, one per line. */
export async function describeMachine({ postgres, redis }: Stores): Promise<string[]> {
  const pgbench = await findPgbench()
  const processors = cpus()
  return [
    `${processors.length} × ${processors[0]?.model.trim() || 'an unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    `Node ${process.version}, PostgreSQL ${postgres.version} (fsync on, durable commits), Redis ${redis.version}`,
    `load generator: ${await generator()}; ${
      pgbench ? await firstLine(pgbench, ['--version']) : 'no pgbench here, so that reference is left out'
    }`,
  ]
}
