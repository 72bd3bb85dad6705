export type Labels = Record<string, string>

export interface Sample {
  /** Of a histogram: `_bucket`, `_sum`, or `_count`; otherwise empty. */
  suffix: string
  labels: Labels
  value: number
}

type Type = 'counter' | 'gauge' | 'histogram'

/** How the values of several processes become one: added, the highest, the lowest, or each with its process as a label. */
export type Merge = 'sum' | 'max' | 'min' | 'each'

export interface Family {
  name: string
  help: string
  type: Type
  merge: Merge
  samples: Sample[]
}

export interface Reading {
  labels?: Labels
  value: number
}

/** The metrics of one process. The same name and labels always give the same counter or histogram. */
export interface Metrics {
  counter(name: string, help: string, labels?: Labels): Counter
  histogram(name: string, help: string, bounds: readonly number[], labels?: Labels): Histogram
  /** Values that are read only when metrics are collected. */
  read(about: Omit<Family, 'samples' | 'merge'> & { merge?: Merge }, values: Values): void
  collect: () => Promise<Family[]>
}

type Values = () => Reading[] | Promise<Reading[]>

export class Counter {
  #value = 0

  add(count = 1): void {
    this.#value += count
  }

  samples(labels: Labels): Sample[] {
    return [{ suffix: '', labels, value: this.#value }]
  }
}

export class Histogram {
  readonly #bounds: readonly number[]
  /** One more than there are bounds, for what is above the last. */
  readonly #counts: Float64Array
  #sum = 0

  /** @param bounds upper ones, ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    ;(this.#counts[at] as number)++
    this.#sum += value
  }

  /** Cumulative. None before the first observation: that keeps the number of series low. */
  samples(labels: Labels): Sample[] {
    let count = 0
    const buckets = [...this.#bounds.map(String), '+Inf'].map((le, at) => {
      count += this.#counts[at] as number
      return { suffix: '_bucket', labels: { ...labels, le }, value: count }
    })
    if (count === 0) return []
    return [...buckets, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: count }]
  }
}

interface Entry extends Omit<Family, 'samples'> {
  recorded: Map<string, { labels: Labels; metric: Counter | Histogram }>
  read: Values[]
}

export function openMetrics(): Metrics {
  const entries = new Map<string, Entry>()

  const entryOf = (about: Omit<Family, 'samples'>): Entry => {
    const known = entries.get(about.name)
    if (known) return known
    const entry = { ...about, recorded: new Map(), read: [] }
    entries.set(about.name, entry)
    return entry
  }
  const recorded = <Kind extends Counter | Histogram>({ recorded: all }: Entry, labels: Labels, open: () => Kind) => {
    const key = JSON.stringify(labels)
    const metric = (all.get(key)?.metric as Kind | undefined) ?? open()
    all.set(key, { labels, metric })
    return metric
  }

  return {
    counter: (name, help, labels = {}) =>
      recorded(entryOf({ name, help, type: 'counter', merge: 'sum' }), labels, () => new Counter()),
    histogram: (name, help, bounds, labels = {}) =>
      recorded(entryOf({ name, help, type: 'histogram', merge: 'sum' }), labels, () => new Histogram(bounds)),
    read(about, values) {
      entryOf({ merge: 'sum', ...about }).read.push(values)
    },
    collect: () =>
      Promise.all(
        Array.from(entries.values(), async ({ recorded: all, read, ...about }) => {
          const readings = (await Promise.all(read.map(async (values) => values()))).flat()
          const samples = [
            ...Array.from(all.values(), ({ labels, metric }) => metric.samples(labels)).flat(),
            ...readings.map(({ labels = {}, value }) => ({ suffix: '', labels, value })),
          ]
          return { ...about, samples }
        }),
      ),
  }
}
