import { execFileSync } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { tea } from '../../test/support/fixtures.ts'
import { type Expected, load, openProxy, openTally } from '../../test/support/load.ts'
import { json, realStores, run, servingAt, signInAt, temporaryFolder } from '../../test/support/service.ts'
import { until } from '../../test/support/until.ts'

const root = join(import.meta.dirname, '../..')

/** The version before the newest migration, in a folder of its own. */
async function openPrevious(t: TestContext): Promise<string> {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const migrations = ':(glob)src/database/migrations/Migration*.ts'
  const newest = git('log', '--max-count=1', '--diff-filter=A', '--format=%H', '--', migrations)
  const folder = join(await temporaryFolder(t), 'previous')
  await mkdir(folder)
  execFileSync('tar', ['--extract', '--directory', folder], {
    input: execFileSync('git', ['archive', `${newest}^`], { cwd: root, maxBuffer: 2 ** 28 }),
  })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  t.diagnostic(`the previous version is ${git('log', '--max-count=1', '--format=%h %s', `${newest}^`)}`)
  return folder
}

async function start(t: TestContext, folder: string, env: Record<string, string>) {
  const files = ['--import', join(folder, 'scripts/require-node.mjs'), join(folder, 'src/main.ts')]
  const { child, ended, output } = run(t, process.execPath, files, { PORT: '0', ALLOWED_HOSTS: '*', ...env }, folder)
  const url = await servingAt(output, ended)
  return {
    url,
    output,
    end() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

test('releases go forward and back under load without a failed request', async (t: TestContext) => {
  const previous = await openPrevious(t)
  const env = await realStores(t, 'empty')
  const services = [await start(t, previous, env), await start(t, previous, env)]
  const headers = await signInAt(services[0]?.url ?? '', 'ada@example.com')
  const body = JSON.stringify(tea)
  const created = await fetch(`${services[0]?.url}/items`, { method: 'POST', headers: { ...headers, ...json }, body })
  const { id } = (await created.json()) as { id: string }
  const { url, backends, ready } = await openProxy(
    t,
    services.map((service) => service.url),
  )
  const questions: Expected[] = [
    { url: `${url}/items/${id}`, headers, status: 200 },
    { url: `${url}/items?limit=10`, headers, status: 200 },
    { method: 'POST', url: `${url}/items`, headers, body: tea, status: 201 },
    { method: 'PATCH', url: `${url}/items/${id}`, headers, body: { in_stock: false }, status: 200 },
  ]
  const over = new AbortController()
  const tally = openTally()
  const loaded = load(questions, over.signal, tally)
  const total = () => Object.values(tally.succeeded).reduce((sum, count) => sum + count, 0)
  const more = async () => {
    const before = total()
    await until(() => total() > before + 200)
  }
  const replace = async (folder: string) => {
    for (const [index, old] of services.entries()) {
      const fresh = await start(t, folder, { ...env, AUTO_MIGRATE: 'false' })
      t.assert.strictEqual(await old.end(), 0)
      services[index] = fresh
      backends[index] = fresh.url
      await until(() => ready.has(fresh.url))
    }
    await more()
  }
  await more()
  const migrate = run(t, process.execPath, ['bin/stockroom.js', 'migrate', 'up'], env)
  t.assert.strictEqual(await migrate.ended, 0, migrate.output())
  t.assert.match(migrate.output(), /^applied: /m)
  await more()
  for (const folder of [root, previous, root]) await replace(folder)
  over.abort()
  await loaded
  t.diagnostic(JSON.stringify(tally.succeeded))
  t.assert.deepStrictEqual(tally.failures, [])
})
