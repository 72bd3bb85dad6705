import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { availableParallelism, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'pino'

import type { Config } from '../config/config.ts'
import { StartupError } from '../startup-error.ts'

const restartDelayMs = 1_000
/** A worker ends within `SHUTDOWN_TIMEOUT`, unless it hangs. */
const killDelayMs = 5_000
/** Consecutive restarts of workers that fail, after which the service ends. */
const maxFailures = 5

const maxProcesses = 64
/** An idle process takes some 110 MiB; imports, exports, and lists take the rest. */
const bytesPerProcess = 384 * 2 ** 20

interface Machine {
  cores: number
  /** Bytes. */
  memory: number
}

/** One process per core, but not more than memory allows. */
export function automaticProcesses({ cores, memory } = availableMachine()): number {
  return Math.max(1, Math.min(cores, Math.floor(memory / bytesPerProcess), maxProcesses))
}

/** What the cgroup of a container leaves of the machine. */
function availableMachine(): Machine {
  return { cores: availableParallelism(), memory: Math.min(totalmem(), process.constrainedMemory() || Infinity) }
}

export async function receive<Assignment>(): Promise<Assignment> {
  const [assignment] = await once(process, 'message')
  return assignment as Assignment
}

interface Report {
  failure: string
  hasClosedPort: true
}

interface Notice {
  isPortClosed: true
}

/** Tells the supervisor why this worker ends. */
export function reportFailure(failure: string): Promise<void> {
  return new Promise((resolve) => process.send?.({ failure } satisfies Partial<Report>, () => resolve()))
}

/** Waits until all workers that stop have closed the port. Until then, a connection could be accepted and then dropped. */
export async function waitForClosedPort(): Promise<void> {
  if (!cluster.isWorker) return
  const { promise, resolve } = Promise.withResolvers<void>()
  process.on('message', ({ isPortClosed }: Partial<Notice>) => isPortClosed && resolve())
  process.send?.({ hasClosedPort: true } satisfies Partial<Report>, undefined, {}, () => {})
  await promise
}

export interface Supervised {
  port: number
  /** Rejects when workers cannot be restarted. */
  failed: Promise<never>
}

// Runs `count` workers on one port and restarts them. They get all settings from here, so secrets stay out of their environment.
export async function superviseWorkers(
  count: number,
  assignment: { config: Pick<Config, 'shutdownTimeoutMs'> },
  log: Logger,
  disposables: AsyncDisposableStack,
): Promise<Supervised> {
  const { shutdownTimeoutMs } = assignment.config
  let stopping = false
  let failures = 0
  const { promise: failed, reject } = Promise.withResolvers<never>()
  failed.catch(() => {})
  disposables.defer(async () => {
    stopping = true
    const limitMs = shutdownTimeoutMs + killDelayMs
    await Promise.all(Object.values(cluster.workers ?? {}).map(async (worker) => worker && stop(worker, limitMs, log)))
  })
  const restart = async () => {
    await sleep(restartDelayMs)
    if (stopping) return
    try {
      await waitForListening(start(assignment))
      failures = 0
    } catch (error) {
      failures++
      if (failures >= maxFailures) reject(error)
    }
  }
  const closed = new Set<Worker>()
  const isOpen = (worker?: Worker) => worker && !worker.isDead() && !closed.has(worker)
  const reportClosedPort = () => {
    if (stopping && Object.values(cluster.workers ?? {}).some(isOpen)) return
    for (const worker of closed) worker.send({ isPortClosed: true } satisfies Notice, () => {})
  }
  cluster.on('message', (worker: Worker, { hasClosedPort }: Partial<Report>) => {
    if (!hasClosedPort) return
    closed.add(worker)
    reportClosedPort()
  })
  const [port = 0] = await Promise.all(Array.from({ length: count }, () => waitForListening(start(assignment))))

  cluster.on('exit', (worker, code, signal) => {
    closed.delete(worker)
    if (stopping) return reportClosedPort()
    log.error({ pid: worker.process.pid, code, signal }, 'worker exited; restarting')
    void restart()
  })
  return { port, failed }
}

function start(assignment: object): Worker {
  const worker = cluster.fork()
  worker.send(assignment, () => {})
  return worker
}

async function waitForListening(worker: Worker): Promise<number> {
  let reason: string | undefined
  worker.on('message', (message: Partial<Report>) => (reason ??= message.failure))
  // Not at `exit`, which may come before the last message.
  const failed = once(worker.process, 'close').then(([code, signal]) => {
    throw new StartupError(reason ?? `A worker ended before it listened (${signal ?? `exit code ${code}`}).`)
  })
  failed.catch(() => {})
  const [address] = await Promise.race([once(worker, 'listening'), failed])
  return address.port
}

async function stop(worker: Worker, limitMs: number, log: Logger): Promise<void> {
  if (worker.isDead()) return
  const ended = once(worker, 'exit')
  worker.process.kill('SIGTERM')
  const timer = setTimeout(() => {
    log.error({ pid: worker.process.pid }, 'worker did not end in time; killing it')
    worker.process.kill('SIGKILL')
  }, limitMs)
  await ended
  clearTimeout(timer)
}
