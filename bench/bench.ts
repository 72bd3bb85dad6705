import type { Datasets } from './dataset.ts'
import type { Plan } from './options.ts'
import type { Progress } from './progress.ts'
import type { Bar, Table } from './report.ts'
import type { RunningServer, Servers } from './servers.ts'
import type { Stores } from './stores.ts'

export interface Bench {
  plan: Plan
  /** A temporary folder, deleted after the run. */
  folder: string
  stores: Stores
  datasets: Datasets
  servers: Servers
  /** Servers that have been warmed up by reads. */
  warm: WeakSet<RunningServer>
  progress: Progress
  signal: AbortSignal
  /** Undefined if plots are not written. */
  plots: string | undefined
}

export interface CaseReport {
  tables: Table[]
  bars: Bar[]
  notes: string[]
}

export interface Case {
  /** For `--only`. */
  name: string
  title: string
  /** Estimated duration. */
  seconds: (plan: Plan) => number
  run: (bench: Bench) => Promise<CaseReport>
}
