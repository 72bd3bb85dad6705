import { test, type TestContext } from 'node:test'

import { realStores, run, startService, temporaryFolder } from './support/service.ts'

/** Runs one of the db: commands. @returns its exit code and what it printed, less the log */
async function db(t: TestContext, env: Record<string, string>, ...args: string[]) {
  const { ended, output } = run(t, 'npm', ['run', '--silent', ...args], { LOG_LEVEL: 'silent', ...env })
  const code = await ended
  return { code, printed: output().trim().split('\n') }
}

test('the commands tell, apply and take back migrations', async (t: TestContext) => {
  const env = await realStores(t, 'empty')
  const nothing = await db(t, env, 'db:downgrade')
  t.assert.deepEqual(nothing, { code: 0, printed: ['No migration is applied.'] })
  const before = await db(t, env, 'db:status')
  t.assert.match(before.printed[0] ?? '', /^pending {2}Migration\d+_managers_and_items$/)
  t.assert.equal(before.printed.at(-1), '2 pending: npm run db:upgrade')
  const upgraded = await db(t, env, 'db:upgrade')
  t.assert.match(upgraded.printed[1] ?? '', /^applied: Migration\d+_revoked_tokens$/)
  t.assert.deepEqual((await db(t, env, 'db:upgrade')).printed, ['The schema is at head already.'])
  t.assert.match((await db(t, env, 'db:downgrade')).printed[0] ?? '', /^taken back: Migration\d+_revoked_tokens$/)
  const after = await db(t, env, 'db:status')
  t.assert.deepEqual(
    after.printed.map((line) => line.split(' ')[0]),
    ['applied', 'pending', '1'],
  )
})

test('the commands work on the embedded database, while it serves and while it does not', async (t: TestContext) => {
  const env = { DATA_DIR: await temporaryFolder(t) }
  t.assert.equal((await db(t, env, 'db:status')).printed.at(-1), '2 pending: npm run db:upgrade')
  const service = await startService(t, env)
  t.assert.equal((await db(t, env, 'db:status')).printed.at(-1), 'The schema is at head.')
  t.assert.equal((await fetch(`${service.url}/openapi.json`)).status, 200)
  t.assert.equal(await service.end('SIGTERM'), 0)
  t.assert.equal((await db(t, env, 'db:status')).printed.at(-1), 'The schema is at head.')
})

test('a revision of an unchanged model writes nothing, and one without a message is refused', async (t: TestContext) => {
  const unchanged = await db(t, {}, 'db:revision', '--', 'nothing new')
  t.assert.deepEqual(unchanged, { code: 0, printed: ['The entities have not changed: no revision is needed.'] })
  const unnamed = await db(t, {}, 'db:revision')
  t.assert.equal(unnamed.code, 1)
  t.assert.match(unnamed.printed[0] ?? '', /^A revision needs a message: npm run db:revision -- /)
})

test('a mistake is answered with a message alone', async (t: TestContext) => {
  const settings = await db(t, { POSTGRES_PORT: 'banana' }, 'db:status')
  t.assert.equal(settings.code, 1)
  t.assert.deepEqual(settings.printed, [
    'These settings do not fit:',
    '  POSTGRES_PORT must be a whole number from 1 to 65535',
  ])
  const extra = await db(t, {}, 'db:upgrade', '--', 'twice')
  t.assert.equal(extra.code, 1)
  t.assert.equal(extra.printed[0], 'Usage:')
})
