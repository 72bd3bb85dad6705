import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { openClone } from '../../support/clone.ts'
import { realStores, run, servingAt, temporaryFolder } from '../../support/service.ts'
import { until } from '../../support/until.ts'

const cacheOf = (folder: string) => join(folder, 'node_modules/.cache/console')

test('a start builds the console if its sources have changed', async (t: TestContext) => {
  const { folder, added } = await openClone(t, [])
  const stores = await realStores(t)
  const first = await start(t, folder, stores)
  const second = await start(t, folder, stores)
  const [page, same] = await Promise.all([first.page(), second.page()])
  t.assert.match(page, /type="module"[^>]* src="\/console\/assets\//)
  t.assert.strictEqual(same, page)
  const [hash, ...others] = await readdir(cacheOf(folder))
  t.assert.deepStrictEqual(others, [], 'the one that was slower left nothing')
  await Promise.all([first.end(), second.end()])

  await appendFile(join(folder, 'console/src/main.tsx'), '\nglobalThis.name = "changed"\n')
  const third = await start(t, folder, stores)
  t.assert.notStrictEqual(await third.page(), page)
  const hashes = await readdir(cacheOf(folder))
  t.assert.deepStrictEqual([hashes.length, hashes.includes(hash ?? '')], [2, true])
  t.assert.deepStrictEqual(await added(), [])
})

test('a console that cannot be cached is built at each start', async (t: TestContext) => {
  const { folder } = await openClone(t, [])
  const temporary = await temporaryFolder(t)
  await mkdir(join(folder, 'node_modules/.cache'))
  // Not even root can create a folder in a file.
  await writeFile(cacheOf(folder), '')
  const service = await start(t, folder, { ...(await realStores(t)), TMPDIR: temporary, NODE_COMPILE_CACHE: '' })
  t.assert.match(await service.page(), /type="module"[^>]* src="\/console\/assets\//)
  t.assert.deepStrictEqual(await readdir(temporary), [])
})

test('without Vite, the log and the response say what to do', async (t: TestContext) => {
  const { folder } = await openClone(t, ['vite'])
  const service = await start(t, folder, await realStores(t))
  for (const attempt of [1, 2]) {
    const response = await fetch(`${service.url}/console`)
    t.assert.strictEqual(response.status, 503, String(attempt))
    const { code, detail } = (await response.json()) as Record<string, string>
    t.assert.strictEqual(code, 'console_unavailable')
    t.assert.match(detail ?? '', /Run npm ci without --omit=dev/)
  }
  const lines = service.output().split('\n')
  t.assert.strictEqual(lines.filter((line) => line.includes('Run npm ci without --omit=dev')).length, 1)
  t.assert.strictEqual((await fetch(`${service.url}/openapi.json`)).status, 200)
})

test('a failed build of the console is repeated, and spares the API', async (t: TestContext) => {
  const { folder } = await openClone(t, [])
  const main = join(folder, 'console/src/main.tsx')
  const source = await readFile(main, 'utf8')
  await rm(main)
  const service = await start(t, folder, await realStores(t))
  const response = await fetch(`${service.url}/console`)
  t.assert.strictEqual(response.status, 503)
  t.assert.match(await response.text(), /The log of the service says why/)
  t.assert.match(service.output(), /main\.tsx/)
  t.assert.strictEqual((await fetch(`${service.url}/openapi.json`)).status, 200)
  t.assert.deepStrictEqual(await readdir(cacheOf(folder)), [])
  await writeFile(main, source)
  await until(async () => (await fetch(`${service.url}/console`)).status === 200)
})

/** A service that runs from its source in `folder`. */
async function start(t: TestContext, folder: string, env: Record<string, string>) {
  const settings = { ...env, PORT: '0', LOG_LEVEL: 'info' }
  const { child, ended, output } = run(t, process.execPath, [join(folder, 'src/main.ts')], settings, folder)
  const url = await servingAt(output, ended)
  return {
    url,
    output,
    page: async () => (await fetch(`${url}/console`)).text(),
    async end() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
