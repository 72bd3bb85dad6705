import { openCitus } from './citus.ts'
import type { Engine } from './engine.ts'
import { openClient, type Server } from './server.ts'

const postgres: Engine = {
  writesTogether: true,
  readsTogether: true,
  // It would plan nearly each time, at three times the cost of the rest: it expects ten keys, and a batch often has fewer.
  plans: 'force_generic_plan',
  estimates: true,
  joinsLaterally: true,
  limitLocks: (ms) => [`set local lock_timeout = ${ms}`],
  beforeManagers: [],
  withItems: (_session, _selection, work) => work(),
  settle: async () => {},
}

export function openEngine({ isCitus = false }: Pick<Server, 'isCitus'>, schema: string): Engine {
  return isCitus ? openCitus(schema) : postgres
}

/**
 * Whether `items` is a distributed table. The catalog decides, because neither a setting nor the extension says whether
 * deploy/citus.sql has been run.
 */
export async function detectCitus(server: Server, schema: string): Promise<boolean> {
  const client = openClient(server)
  await client.connect()
  try {
    const extension = await client.query(`select from pg_extension where extname = 'citus'`)
    if (extension.rowCount === 0) return false
    const { rowCount } = await client.query('select from pg_dist_partition where logicalrelid = to_regclass($1)', [
      `"${schema}".items`,
    ])
    return rowCount === 1
  } finally {
    await client.end()
  }
}
