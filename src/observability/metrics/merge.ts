import type { Family, Sample } from './metrics.ts'

export interface ProcessMetrics {
  /** The label of metrics that are not added up. */
  worker: string
  families: Family[]
}

export function mergeMetrics(processes: ProcessMetrics[]): Family[] {
  const merged = new Map<string, { family: Family; samples: Map<string, Sample> }>()
  for (const { worker, families } of processes) {
    for (const family of families) {
      const known = merged.get(family.name) ?? { family, samples: new Map<string, Sample>() }
      merged.set(family.name, known)
      for (const sample of family.samples) addSample(known.samples, family, sample, worker)
    }
  }
  return Array.from(merged.values(), ({ family, samples }) => ({ ...family, samples: [...samples.values()] }))
}

function addSample(samples: Map<string, Sample>, { merge }: Family, sample: Sample, worker: string): void {
  const labels = merge === 'each' ? { ...sample.labels, worker } : sample.labels
  const key = JSON.stringify([sample.suffix, labels])
  const before = samples.get(key)?.value
  samples.set(key, {
    ...sample,
    labels,
    value: before === undefined ? sample.value : combine[merge](before, sample.value),
  })
}

const add = (one: number, other: number) => one + other
const combine = { sum: add, each: add, max: Math.max, min: Math.min }

/** What remains of a process that has ended: without it, a sum would decrease, which Prometheus takes for a restart. */
export function finalMetrics(families: Family[]): Family[] {
  return families.filter(({ type, merge }) => type !== 'gauge' && merge === 'sum')
}
