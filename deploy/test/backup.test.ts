import { execFileSync } from 'node:child_process'
import { test, type TestContext } from 'node:test'

import { onServer } from '../../test/support/app.ts'
import { commandsOf } from '../../test/support/operations.ts'
import { json, settingsOf, signInAt, startService } from '../../test/support/service.ts'
import { dump, openCluster, restoreDump } from './cluster.ts'

const baseBackup = commandsOf('backup.md', 'pg_basebackup')
const restoreCluster = commandsOf('backup.md', 'cp -R base')
const endSessions = commandsOf('backup.md', 'npx --no-install stockroom sessions end')

test('a dump and a restore to a point in time keep data, and no session', async (t: TestContext) => {
  const { bash, server } = await openCluster(t)
  const settings = settingsOf(server, 'public')
  const service = await startService(t, settings)
  const headers = await signInAt(service.url, 'ada@example.com')
  const importRows = async (count: number) => {
    const lines = Array.from({ length: count }, (_, row) => `Item ${row},Grocery,${row / 100},true`)
    const body = ['name,category,price_usd,in_stock', ...lines].join('\n')
    const type = { 'content-type': 'text/csv' }
    const response = await fetch(`${service.url}/items/import`, {
      method: 'POST',
      headers: { ...headers, ...type },
      body,
    })
    t.assert.strictEqual(response.status, 200)
  }
  await importRows(5_000)

  bash(dump)
  bash(restoreDump)
  const { rows: tables } = await onServer(server, `select tablename as name from pg_tables where schemaname = 'public'`)
  t.assert.ok(tables.length > 5)
  for (const { name } of tables as { name: string }[]) {
    const content = (database: string) =>
      bash(`psql --dbname=${database} --command='copy (select * from "${name}" order by "${name}"::text) to stdout'`)
    t.assert.ok(content('restored') === content('stockroom'), name)
  }

  bash(baseBackup)
  await importRows(10)
  const { rows } = await onServer(server, 'select clock_timestamp()::text as target')
  // After the target: every session ends, another begins and ends, and all items are deleted.
  const logOut = (token: { authorization: string }) =>
    fetch(`${service.url}/store-managers/logout?scope=all`, { headers: token })
  t.assert.strictEqual((await logOut(headers)).status, 200)
  const later = await signInAt(service.url, 'ada@example.com')
  t.assert.strictEqual((await logOut(later)).status, 200)
  await onServer(server, 'delete from items')
  await onServer(server, 'select pg_switch_wal()')
  await service.end('SIGTERM')
  bash('pg_ctl --pgdata=main --wait stop')

  bash(restoreCluster, { TARGET: rows[0].target })
  const end = endSessions.replace('npx --no-install stockroom', `${process.execPath} bin/stockroom.js`)
  const output = execFileSync('bash', ['-euc', end], {
    env: { ...settings, JWT_SECRET: '', PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
  t.assert.match(output, /^Revoked all tokens and reset codes of 1 managers\.$/m)
  const restored = await startService(t, settings)
  const statusOf = async (token: object) =>
    (await fetch(`${restored.url}/store-managers/me`, { headers: { ...json, ...token } })).status
  t.assert.deepStrictEqual([await statusOf(headers), await statusOf(later)], [401, 401])
  const fresh = await signInAt(restored.url, 'ada@example.com')
  t.assert.strictEqual(await statusOf(fresh), 200)
  const { rows: counts } = await onServer(server, 'select count(*)::integer as items from items')
  t.assert.strictEqual(counts[0].items, 5_010)
  t.assert.strictEqual(await (await fetch(`${restored.url}/readyz?stores`)).text(), 'ready')
})
