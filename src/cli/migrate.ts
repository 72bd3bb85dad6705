import { readConfig, ConfigError } from '../config/config.ts'
import { loadEnvironment } from '../config/env-file.ts'
import { openServer, waitForServer } from '../database/connect.ts'
import { createRevision, downgrade, status, upgrade } from '../database/migrate.ts'
import { openLog } from '../observability/logging.ts'
import { explain } from '../startup-error.ts'

const usage = `Usage:
  npm run db:status                 list the applied and the pending migrations
  npm run db:upgrade                apply the pending migrations
  npm run db:downgrade              revert the last migration
  npm run db:revision -- "message"  write a migration for the changes of src/database/entities.ts`

async function main([command, ...rest]: string[]): Promise<void> {
  if (command === 'revision') return revise(rest)
  if (rest.length > 0 || !['status', 'upgrade', 'downgrade'].includes(command ?? '')) throw new ConfigError(usage)
  loadEnvironment()
  const config = readConfig(process.env, false)
  const log = await openLog(config.logLevel)
  const { server, close } = await openServer(config, log)
  try {
    await waitForServer(server, config.startupTimeoutMs, log, new AbortController().signal)
    const { schema } = config.pool
    if (command === 'upgrade') report('applied', await upgrade(server, schema, log), 'The schema is up to date.')
    if (command === 'downgrade') report('reverted', await downgrade(server, schema, log), 'No migration is applied.')
    if (command === 'status') print(await status(server, schema))
  } finally {
    await close()
  }
}

async function revise(words: string[]): Promise<void> {
  const message = words.join(' ').trim()
  if (message === '') throw new ConfigError(`A revision needs a message: npm run db:revision -- "add a barcode"`)
  const path = await createRevision(message)
  console.log(path ? `Wrote ${path}. Review it before you commit it.` : 'The entities have not changed.')
}

function report(done: string, names: string[], nothing: string): void {
  console.log(names.length === 0 ? nothing : names.map((name) => `${done}: ${name}`).join('\n'))
}

function print({ applied, pending, unknown }: Awaited<ReturnType<typeof status>>): void {
  for (const name of applied) console.log(`${unknown.includes(name) ? 'unknown' : 'applied'}  ${name}`)
  for (const name of pending) console.log(`pending  ${name}`)
  console.log(
    pending.length === 0
      ? 'The schema is up to date.'
      : `${pending.length} pending. Apply with: npx --no-install stockroom migrate up`,
  )
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}
