import { readdirSync } from 'node:fs'
import {
  constants,
  monitorEventLoopDelay,
  performance,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks'

import type { Metrics } from './metrics.ts'

type PerformanceNodeEntry = PerformanceEntry & { detail: { kind: number } }

const kinds: Record<number, string> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
}

const nanoseconds = 1e9
const microseconds = 1e6
const milliseconds = 1e3

/** Measures this process, and its event loop and garbage collection from now on. */
export function measureProcess(metrics: Metrics): void {
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.read({ name, help, type: 'gauge', merge: 'each' }, () => [{ value: value() }])
  const counter = (name: string, help: string, value: () => number) =>
    metrics.read({ name, help, type: 'counter', merge: 'each' }, () => [{ value: value() }])

  counter('process_cpu_seconds_total', 'CPU time used.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / microseconds
  })
  gauge('process_start_time_seconds', 'When the process started, in Unix time.', () =>
    Math.round(performance.timeOrigin / milliseconds),
  )
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge('nodejs_heap_size_used_bytes', 'Used part of the heap.', () => process.memoryUsage().heapUsed)
  gauge('nodejs_external_memory_bytes', 'Memory of buffers and other objects outside of the heap.', () => {
    return process.memoryUsage().external
  })
  metrics.read({ name: 'process_open_fds', help: 'Open file descriptors.', type: 'gauge', merge: 'each' }, openFiles)
  measureEventLoop(metrics, counter)
  measureGarbageCollection(metrics)
}

function measureEventLoop(metrics: Metrics, counter: (name: string, help: string, value: () => number) => void): void {
  counter('nodejs_eventloop_active_seconds_total', 'Time in which the event loop was not idle.', () => {
    return performance.eventLoopUtilization().active / milliseconds
  })
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  const about = { help: 'Delay of the event loop since the previous scrape.', type: 'gauge', merge: 'each' } as const
  metrics.read({ name: 'nodejs_eventloop_delay_seconds', ...about }, () => {
    const readings = [50, 99, 100].map((percentile) => ({
      labels: { percentile: String(percentile) },
      value: delay.percentile(percentile) / nanoseconds,
    }))
    delay.reset()
    return readings
  })
}

function measureGarbageCollection(metrics: Metrics): void {
  const seconds = new Map(Object.values(kinds).map((kind) => [kind, 0]))
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as PerformanceNodeEntry
      const kind = kinds[detail.kind]
      if (kind !== undefined) seconds.set(kind, (seconds.get(kind) ?? 0) + duration / milliseconds)
    }
  }).observe({ entryTypes: ['gc'] })
  const about = { help: 'Time of garbage collection.', type: 'counter', merge: 'each' } as const
  metrics.read({ name: 'nodejs_gc_seconds_total', ...about }, () =>
    Array.from(seconds, ([kind, value]) => ({ labels: { kind }, value })),
  )
}

/** Only Linux has the folder. */
function openFiles() {
  try {
    return [{ value: readdirSync('/proc/self/fd').length }]
  } catch {
    return []
  }
}
