import { readdir } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import packageJson from '../../package.json' with { type: 'json' }
import { call } from '../support/command.ts'
import { realStores, run, startService, temporaryFolder } from '../support/service.ts'

const files = await readdir(new URL('../../src/database/migrations', import.meta.url))
const migrations = files
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
  .toSorted()
const allPending = `${migrations.length} pending. Apply with: npx --no-install stockroom migrate up`

const scripts = {
  status: 'src/cli/main.ts migrate status',
  upgrade: 'src/cli/main.ts migrate up',
  downgrade: 'src/cli/main.ts migrate down',
  revision: 'scripts/create-revision.ts',
}

/** Runs one of the db: commands. @returns its exit code and what it printed, less the log */
async function db(t: TestContext, env: Record<string, string>, command: keyof typeof scripts, ...words: string[]) {
  const program = ['--import', './scripts/require-node.mjs', ...scripts[command].split(' ')]
  const { ended, output } = run(t, process.execPath, [...program, ...words], { LOG_LEVEL: 'silent', ...env })
  const code = await ended
  return { code, printed: output().trim().split('\n') }
}

test('npm runs the migration commands by name', async (t: TestContext) => {
  for (const command of ['status', 'upgrade', 'downgrade', 'revision'] as const) {
    t.assert.ok(packageJson.scripts[`db:${command}`].endsWith(` ${scripts[command]}`))
  }
  const { ended, output } = run(t, 'npm', ['run', '--silent', 'db:revision', '--', 'nothing new'], {})
  t.assert.strictEqual(await ended, 0)
  t.assert.match(output(), /The entities have not changed/)
})

test('the commands report, apply, and revert migrations', async (t: TestContext) => {
  const env = { ...(await realStores(t, 'empty')), JWT_SECRET: '' }
  const nothing = await db(t, env, 'downgrade')
  t.assert.deepStrictEqual(nothing, { code: 0, printed: ['No migration is applied.'] })
  const before = await db(t, env, 'status')
  t.assert.deepStrictEqual(before.printed, [...migrations.map((name) => `pending  ${name}`), allPending])
  const upgraded = await db(t, env, 'upgrade')
  t.assert.deepStrictEqual(
    upgraded.printed,
    migrations.map((name) => `applied: ${name}`),
  )
  t.assert.deepStrictEqual((await db(t, env, 'upgrade')).printed, ['The schema is up to date.'])
  const last = migrations.at(-1)
  t.assert.deepStrictEqual((await db(t, env, 'downgrade')).printed, [`reverted: ${last}`])
  const after = await db(t, env, 'status')
  t.assert.deepStrictEqual(after.printed.slice(-2), [
    `pending  ${last}`,
    '1 pending. Apply with: npx --no-install stockroom migrate up',
  ])
})

test('the commands work on the embedded database, running or not', async (t: TestContext) => {
  const env = { DATA_DIR: await temporaryFolder(t) }
  t.assert.strictEqual((await db(t, env, 'status')).printed.at(-1), allPending)
  const service = await startService(t, env)
  t.assert.strictEqual((await db(t, env, 'status')).printed.at(-1), 'The schema is up to date.')
  t.assert.strictEqual((await fetch(`${service.url}/openapi.json`)).status, 200)
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
  t.assert.strictEqual((await db(t, env, 'status')).printed.at(-1), 'The schema is up to date.')
})

test('a revision needs a change and a message', async (t: TestContext) => {
  const unchanged = await db(t, {}, 'revision', 'nothing new')
  t.assert.deepStrictEqual(unchanged, { code: 0, printed: ['The entities have not changed.'] })
  const unnamed = await db(t, {}, 'revision')
  t.assert.strictEqual(unnamed.code, 1)
  t.assert.match(unnamed.printed[0] ?? '', /^A revision needs a message: npm run db:revision -- /)
})

test('a mistake prints a message without a stack trace', async (t: TestContext) => {
  const settings = await db(t, { LOG_LEVEL: 'banana' }, 'status')
  t.assert.strictEqual(settings.code, 1)
  t.assert.deepStrictEqual(settings.printed, [
    'Invalid settings:',
    '  LOG_LEVEL must be one of info, trace, debug, warn, error, fatal, silent',
  ])
  const extra = await db(t, {}, 'upgrade', 'twice')
  t.assert.strictEqual(extra.code, 2)
  t.assert.match(extra.printed[0] ?? '', /^too many arguments/)
  for (const command of ['migrate', 'start']) {
    const { code, err } = await call(t, [command, '--server', 'http://localhost'], {})
    t.assert.deepStrictEqual([code, err], [2, `${command} does not call a service. Remove --server.\n`])
  }
})
