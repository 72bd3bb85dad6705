import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
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

test('a terminal that shows nothing stops neither responses nor the shutdown', async (t: TestContext) => {
  const port = await freePort()
  const terminal = spawn(
    'script',
    ['--quiet', '--return', '--command', `exec ${process.execPath} src/main.ts`, '/dev/null'],
    {
      env: await settings(t, port),
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  )
  closeAfter(t, () => terminal.kill('SIGKILL'))
  terminal.stdout.pause()
  const ended = once(terminal, 'exit')
  await requestOften(t, port)
  const service = Number(await readFile(`/proc/${terminal.pid}/task/${terminal.pid}/children`, 'utf8'))
  process.kill(service, 'SIGTERM')
  await until(() => hasEnded(service), 60_000)
  terminal.stdout.resume()
  t.assert.deepStrictEqual(await ended, [0, null])
})

/** Also true for a process whose parent has not noticed the end. */
async function hasEnded(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX')
  return /^State:\s+[XZ]/m.test(status)
}

async function serveAndStop(t: TestContext, stdout: number | 'pipe'): Promise<void> {
  const port = await freePort()
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: await settings(t, port),
    stdio: ['ignore', stdout, 'ignore'],
  })
  closeAfter(t, () => child.kill('SIGKILL'))
  child.stdout?.pause()
  const ended = once(child, 'exit')
  await requestOften(t, port)
  child.kill('SIGTERM')
  t.assert.deepStrictEqual(await ended, [0, null])
}

async function settings(t: TestContext, port: number): Promise<NodeJS.ProcessEnv> {
  return { ...process.env, ...(await realStores(t)), PORT: String(port), LOG_LEVEL: 'info' }
}

/** Causes far more log lines than a pipe or a terminal holds. */
async function requestOften(t: TestContext, port: number): Promise<void> {
  const ask = () => fetch(`http://127.0.0.1:${port}/nothing`).then(({ status }) => status)
  await until(() => ask().then(Boolean, () => false), 60_000)
  for (let round = 0; round < 40; round++) {
    const statuses = await Promise.all(Array.from({ length: 100 }, ask))
    t.assert.ok(statuses.every((status) => status === 404))
  }
}
