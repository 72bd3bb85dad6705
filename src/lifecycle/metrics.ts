import cluster from 'node:cluster'

import type { Logger } from 'pino'

import packageJson from '../../package.json' with { type: 'json' }
import type { Config } from '../config/config.ts'
import type { Connections } from '../http/connections.ts'
import { isAllowedHost } from '../http/host-header.ts'
import type { Metrics } from '../observability/metrics/metrics.ts'
import { measureProcess } from '../observability/metrics/process.ts'
import { serveMetrics } from '../observability/metrics/serve.ts'
import { metricsOfWorkers, offerMetrics } from '../observability/metrics/workers.ts'
import type { Readiness, ReadinessState } from './readiness.ts'

export function measureState(
  metrics: Metrics,
  { connections, readiness }: { connections: Connections; readiness: Readiness },
): void {
  const gauge = (name: string, help: string, merge: 'sum' | 'min' | 'max', value: () => number | Promise<number>) =>
    metrics.read({ name, help, type: 'gauge', merge }, async () => [{ value: await value() }])
  gauge('stockroom_connections', 'Open connections of clients.', 'sum', () => connections.usage().open)
  gauge('stockroom_draining', 'Whether the process is shutting down.', 'max', () => Number(readiness.draining.aborted))
  gauge('stockroom_ready', 'Whether the process should get requests.', 'min', () => isReady(readiness.check()))
  gauge('stockroom_stores_ready', 'Whether PostgreSQL responds and its schema is complete.', 'min', () =>
    isReady(readiness.checkStores()),
  )
  const evictions = {
    name: 'stockroom_connections_evicted_total',
    help: 'Idle connections that were evicted for new ones.',
  }
  metrics.read({ ...evictions, type: 'counter' }, () => [{ value: connections.usage().evicted }])
  const build = { name: 'stockroom_build_info', help: 'Versions, as labels.', type: 'gauge', merge: 'max' } as const
  metrics.read(build, () => [{ labels: { version: packageJson.version, node: process.versions.node }, value: 1 }])
}

async function isReady(state: Promise<ReadinessState>): Promise<number> {
  return Number((await state) === 'ready')
}

/** A supervisor serves the metrics of its workers as well, and each of these sends it its own. */
export async function publishMetrics(
  metrics: Metrics,
  { listener, isSupervisor }: { listener: Config['metrics']; isSupervisor: boolean },
  log: Logger,
  disposables: AsyncDisposableStack,
): Promise<void> {
  if (listener === undefined) return
  measureProcess(metrics)
  if (cluster.isWorker) {
    offerMetrics(metrics)
    return
  }
  const accepts = (host: string) => isAllowedHost(host, listener.allowedHosts)
  const server = await serveMetrics(
    { ...listener, accepts },
    isSupervisor ? metricsOfWorkers(metrics) : metrics.collect,
  )
  disposables.defer(() => server.close())
  log.info({ host: listener.host, port: server.port }, 'serving metrics')
}
