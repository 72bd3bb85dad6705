import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { childrenOf, withoutProgram } from '../support/programs.ts'
import { isAlive, realStores, runMain, servingAt, startService, temporaryFolder } from '../support/service.ts'
import { until } from '../support/until.ts'

test('WEB_CONCURRENCY=auto starts a process per core', async (t: TestContext) => {
  const service = await startService(t, { ...(await realStores(t)), WEB_CONCURRENCY: 'auto' })
  const processes = availableParallelism()
  const [, started, connections] = /"processes":(\d+),"maxConnections":(\d+)/.exec(service.output()) ?? []
  // One core needs no worker.
  t.assert.strictEqual(Number(started ?? 1), processes)
  if (processes > 1) t.assert.strictEqual(Number(connections), 16 * processes)
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
})

test('workers that cannot start end the start with one line', async (t: TestContext) => {
  const server = createServer().listen(0, 'localhost')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const env = { ...(await realStores(t)), PORT: String(port), WEB_CONCURRENCY: '3', LOG_LEVEL: 'silent' }
  const { ended, output } = runMain(t, env)
  t.assert.strictEqual(await ended, 1)
  t.assert.strictEqual(output(), `Port ${port} is in use. Set PORT to another one.\n`)
})

test(
  'a worker that dies at start again and again ends the service',
  { skip: withoutProgram('ps') },
  async (t: TestContext) => {
    const folder = await temporaryFolder(t)
    const trap = join(folder, 'trap.mjs')
    const broken = join(folder, 'broken')
    await writeFile(
      trap,
      `import { existsSync } from 'node:fs'
    if (process.send && existsSync(${JSON.stringify(broken)})) process.exit(7)`,
    )
    const env = { ...(await realStores(t)), PORT: '0', WEB_CONCURRENCY: '2', NODE_OPTIONS: `--import=${trap}` }
    const { child, ended, output } = runMain(t, env)
    await servingAt(output, ended)
    const [worker] = childrenOf(child.pid ?? 0)
    await writeFile(broken, '')
    process.kill(worker ?? 0, 'SIGKILL')
    t.assert.strictEqual(await ended, 1)
    t.assert.strictEqual(output().split('worker exited; restarting').length - 1, 1 + 5)
    t.assert.match(output(), /\nA worker ended before it listened \(exit code 7\)\.\n$/)
  },
)

test(
  'a worker that gets SIGTERM alone ends and is replaced',
  { skip: withoutProgram('ps') },
  async (t: TestContext) => {
    const env = { ...(await realStores(t)), WEB_CONCURRENCY: '2', SHUTDOWN_TIMEOUT: '600' }
    const service = await startService(t, env)
    const [worker = 0] = childrenOf(service.pid)
    process.kill(worker, 'SIGTERM')
    await until(() => !isAlive(worker) && childrenOf(service.pid).length === 2)
    t.assert.strictEqual(await service.end('SIGTERM'), 0)
  },
)

test('a worker that hangs is killed after SHUTDOWN_TIMEOUT', { skip: withoutProgram('ps') }, async (t: TestContext) => {
  const service = await startService(t, { ...(await realStores(t)), WEB_CONCURRENCY: '2', SHUTDOWN_TIMEOUT: '1' })
  const [worker = 0] = childrenOf(service.pid)
  process.kill(worker, 'SIGSTOP')
  t.after(() => isAlive(worker) && process.kill(worker, 'SIGKILL'))
  t.assert.strictEqual(await service.end('SIGTERM'), 0)
  t.assert.match(service.output(), /worker did not end in time; killing it/)
})
