import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'

import { finalMetrics, mergeMetrics, type ProcessMetrics } from './merge.ts'
import type { Family, Metrics } from './metrics.ts'

/** A worker that takes longer is represented by its previous metrics. */
const replyTimeoutMs = 2_000

interface Request {
  metricsRequest: number
}

interface Reply {
  metricsReply: number
  families: Family[]
}

/** Replies to the primary process. */
export function offerMetrics({ collect }: Metrics): void {
  const reply = async (id: number) => {
    const message: Reply = { metricsReply: id, families: await collect() }
    // The channel is closed while the primary is exiting.
    process.send?.(message, undefined, {}, () => {})
  }
  process.on('message', ({ metricsRequest }: Partial<Request>) => {
    if (metricsRequest !== undefined) void reply(metricsRequest)
  })
}

/** Collects the metrics of all workers, added up. @param own those of the primary process itself */
export function metricsOfWorkers(own: Metrics): () => Promise<Family[]> {
  const latest = new Map<number, Family[]>()
  let ended: ProcessMetrics = { worker: 'ended', families: [] }
  let requests = 0
  let responding = 0

  cluster.on('message', (worker: Worker, { metricsReply, families }: Partial<Reply>) => {
    if (metricsReply !== undefined && families) latest.set(worker.id, families)
  })
  cluster.on('exit', ({ id }: Worker) => {
    const last = { worker: 'ended', families: finalMetrics(latest.get(id) ?? []) }
    ended = { worker: 'ended', families: mergeMetrics([ended, last]) }
    latest.delete(id)
  })
  own.read({ name: 'stockroom_workers', help: 'Worker processes that respond.', type: 'gauge' }, () => [
    { value: responding },
  ])

  return async () => {
    const id = ++requests
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
    const replied = await Promise.all(workers.map((worker) => requestMetrics(worker, id)))
    responding = replied.filter(Boolean).length
    const running = Array.from(latest, ([worker, families]) => ({ worker: String(worker), families }))
    return mergeMetrics([{ worker: 'primary', families: await own.collect() }, ...running, ended])
  }
}

async function requestMetrics(worker: Worker, id: number): Promise<boolean> {
  const done = new AbortController()
  const replied = new Promise<boolean>((resolve) => {
    const onMessage = ({ metricsReply }: Partial<Reply>) => {
      if (metricsReply === id) resolve(true)
    }
    worker.on('message', onMessage)
    worker.once('exit', () => resolve(false))
    done.signal.addEventListener('abort', () => worker.off('message', onMessage))
  })
  // The callback gets the error if the worker has ended.
  worker.send({ metricsRequest: id } satisfies Request, () => {})
  const timeout = sleep(replyTimeoutMs, false, { signal: done.signal }).catch(() => false)
  const result = await Promise.race([replied, timeout])
  done.abort()
  return result
}
