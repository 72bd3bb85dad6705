import { once } from 'node:events'

import { downgrade, type Status, status, upgrade } from '../database/migrate.ts'
import { readOperatorConfig, withServer } from '../operator/database.ts'
import { print } from './output.ts'

export type Direction = 'up' | 'down' | 'status'

export async function migrate(direction: Direction, options: { json?: boolean }, signal: AbortSignal): Promise<void> {
  const config = readOperatorConfig()
  const { schema } = config.pool
  await withServer(config, signal, async (server, log) => {
    const run = async () => {
      if (direction === 'status') {
        const state = await status(server, schema)
        print(options, state, () => describe(state))
      } else {
        const names = await (direction === 'up' ? upgrade : downgrade)(server, schema, log)
        print(options, names, () => (names.length === 0 ? [nothing[direction]] : names.map(done[direction])))
      }
    }
    await Promise.race([run(), aborted(signal)])
  })
}

const nothing = { up: 'The schema is up to date.', down: 'No migration is applied.' }
const done = { up: (name: string) => `applied: ${name}`, down: (name: string) => `reverted: ${name}` }

async function aborted(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort')
  throw signal.reason
}

function describe({ applied, pending, unknown }: Status): string[] {
  return [
    ...applied.map((name) => `${unknown.includes(name) ? 'unknown' : 'applied'}  ${name}`),
    ...pending.map((name) => `pending  ${name}`),
    pending.length === 0 ? nothing.up : `${pending.length} pending. Apply with: npx --no-install stockroom migrate up`,
  ]
}
