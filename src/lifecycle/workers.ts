import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'pino'

import { StartupError } from '../startup-error.ts'

const restartDelayMs = 1_000

/** Runs this program `count` times on one port, and restarts it when it exits. */
export async function superviseWorkers(
  count: number,
  env: Record<string, string>,
  log: Logger,
  disposables: AsyncDisposableStack,
): Promise<number> {
  let stopping = false
  disposables.defer(async () => {
    stopping = true
    await Promise.all(Object.values(cluster.workers ?? {}).map(async (worker) => worker && stop(worker)))
  })
  const [port = 0] = await Promise.all(Array.from({ length: count }, () => waitForListening(cluster.fork(env))))

  cluster.on('exit', (worker, code, signal) => {
    if (stopping) return
    log.error({ pid: worker.process.pid, code, signal }, 'worker exited; restarting')
    void sleep(restartDelayMs).then(() => stopping || cluster.fork(env))
  })
  return port
}

async function waitForListening(worker: Worker): Promise<number> {
  const failed = once(worker, 'exit').then(([code]) => {
    throw new StartupError(`A worker exited with code ${code} before it listened.`)
  })
  failed.catch(() => {})
  const [address] = await Promise.race([once(worker, 'listening'), failed])
  return address.port
}

async function stop(worker: Worker): Promise<void> {
  if (worker.isDead()) return
  const ended = once(worker, 'exit')
  worker.process.kill('SIGTERM')
  await ended
}
