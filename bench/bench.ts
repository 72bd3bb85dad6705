import type { Datasets } from './dataset.ts'
import type { Plan } from './options.ts'
import type { Progress } from './progress.ts'
import type { Bar, Table } from './report.ts'
import type { RunningServer, Servers } from './servers.ts'
import type { Stores } from './stores.ts'

/** All that a case needs. */
export interface Bench {
  plan: Plan
  /** A folder for what does not outlive the run. */
  folder: string
  stores: Stores
  datasets: Datasets
  servers: Servers
  /** Servers that have been read from long enough to be at their full speed. */
  warm: WeakSet<RunningServer>
  progress: Progress
  /** Aborted when the run is to end early. */
  signal: AbortSignal
  /** Where plots are kept; undefined if they are not. */
  plots: string | undefined
}

export interface CaseReport {
  tables: Table[]
  bars: Bar[]
  notes: string[]
}

export interface Case {
  /** As `--only` knows it. */
  name: string
  title: string
  /** About how many seconds it takes. */
  seconds: (plan: Plan) => number
  run: (bench: Bench) => Promise<CaseReport>
}
