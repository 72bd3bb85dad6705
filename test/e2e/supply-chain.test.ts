import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import packageJson from '../../package.json' with { type: 'json' }
import { withoutRedis } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { json, realStores, run, signInAt, startService, temporaryFolder } from '../support/service.ts'

const root = join(import.meta.dirname, '../..')

interface Lock {
  packages: Record<string, { integrity?: string; hasInstallScript?: boolean }>
}

test('each package is locked by hash, install scripts by name', async (t: TestContext) => {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock
  const installed = Object.entries(packages).filter(([path]) => path !== '')
  t.assert.ok(installed.length > 100)
  for (const [path, { integrity }] of installed) t.assert.match(integrity ?? '', /^sha512-/, path)
  const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript)
  const names = scripted.map(([path]) => path.split('node_modules/').at(-1) ?? '')
  t.assert.deepStrictEqual(names.toSorted(), Object.keys(packageJson.allowScripts).toSorted())
})

test('an install script runs only if package.json names its package', async (t: TestContext) => {
  for (const allowed of [false, true]) {
    const folder = await temporaryFolder(t)
    const module = join(folder, 'module')
    await mkdir(module)
    const scripts = { postinstall: 'touch ran' }
    await writeFile(join(module, 'package.json'), JSON.stringify({ name: 'scripted', version: '1.0.0', scripts }))
    await run(t, 'npm', ['pack'], {}, module).ended
    const dependencies = { scripted: 'file:module/scripted-1.0.0.tgz' }
    const allowScripts = allowed ? { [`file:${module}/scripted-1.0.0.tgz`]: true } : {}
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'project', dependencies, allowScripts }))
    await copyFile(join(root, '.npmrc'), join(folder, '.npmrc'))
    const { ended, output } = run(t, 'npm', ['install', '--offline'], {}, folder)
    const code = await ended
    const ran = await readFile(join(folder, 'node_modules/scripted/ran')).then(
      () => true,
      () => false,
    )
    t.assert.deepStrictEqual([code === 0, ran], [allowed, allowed], output())
  }
})

test('the service connects to its stores alone', { skip: withoutRedis }, async (t: TestContext) => {
  const redis = { REDIS_HOST: process.env['REDIS_HOST'] ?? '', REDIS_PORT: process.env['REDIS_PORT'] ?? '6379' }
  const stores: Record<string, string> = { ...(await realStores(t)), ...redis }
  const record = join(root, 'test/support/record-network.mjs')
  const service = await startService(t, { ...stores, HOST: '127.0.0.1', NODE_OPTIONS: `--import ${record}` })
  const headers = { ...json, ...(await signInAt(service.url, 'ada@example.com')) }
  const body = JSON.stringify(tea)
  const created = await fetch(`${service.url}/items`, { method: 'POST', headers, body })
  const item = created.headers.get('location') ?? ''
  const requests = [
    ...['/', '/scalar', '/scalar/scalar.js', '/openapi.json', '/healthz', '/readyz', '/nothing'].map((path) => [
      'GET',
      path,
    ]),
    ...[item, `${item}?expand=store_manager`, '/items'].map((path) => ['GET', path]),
    ['PATCH', item, body],
    ['DELETE', item, '{}'],
    ['GET', '/store-managers/logout'],
    ['GET', '/items'],
  ] as [method: string, path: string, body?: string][]
  for (const [method, path, sent] of requests) {
    const answer = await fetch(service.url + path, { method, headers, ...(sent !== undefined && { body: sent }) })
    await answer.arrayBuffer()
    t.assert.ok(answer.status < 500)
  }
  t.assert.strictEqual(await service.end('SIGTERM'), 0)

  const seen = new Set([...service.output().matchAll(/^network: (.*)$/gm)].map(([, line]) => line))
  const { POSTGRES_HOST: host = '', POSTGRES_PORT: port = '' } = stores
  const postgres = host.startsWith('/') ? `dials ${host}/.s.PGSQL.${port}` : `dials ${host}:${port}`
  const expected = [postgres, `dials ${redis.REDIS_HOST}:${redis.REDIS_PORT}`]
  const names = new Set([host, redis.REDIS_HOST, '127.0.0.1'].map((name) => `looks up ${name}`))
  t.assert.deepStrictEqual([...seen].filter((line = '') => !names.has(line)).toSorted(), expected.toSorted())
})
