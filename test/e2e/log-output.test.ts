import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { test, type TestContext } from 'node:test'

import { closeAfter } from '../support/cleanup.ts'
import { realStores } from '../support/service.ts'
import { freePort } from '../support/stores.ts'
import { until } from '../support/until.ts'

test('a full log disk stops neither responses nor the shutdown', async (t: TestContext) => {
  const full = openSync('/dev/full', 'w')
  closeAfter(t, () => closeSync(full))
  await serveAndStop(t, full)
})

test('a log reader that has stopped stops neither responses nor the shutdown', (t: TestContext) =>
  serveAndStop(t, 'pipe'))

async function serveAndStop(t: TestContext, stdout: number | 'pipe'): Promise<void> {
  const port = await freePort()
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { ...process.env, ...(await realStores(t)), PORT: String(port), LOG_LEVEL: 'info' },
    stdio: ['ignore', stdout, 'ignore'],
  })
  closeAfter(t, () => child.kill('SIGKILL'))
  child.stdout?.pause()
  const ended = once(child, 'exit')
  const ask = () => fetch(`http://127.0.0.1:${port}/nothing`).then(({ status }) => status)
  await until(() => ask().then(Boolean, () => false), 60_000)
  // Far more lines than a pipe holds.
  for (let round = 0; round < 40; round++) {
    const statuses = await Promise.all(Array.from({ length: 100 }, ask))
    t.assert.ok(statuses.every((status) => status === 404))
  }
  child.kill('SIGTERM')
  t.assert.deepStrictEqual(await ended, [0, null])
}
