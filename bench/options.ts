import { parseArgs } from 'node:util'

export interface Options {
  /** Names of cases or beginnings of names; empty: all. */
  only: string[]
  quick: boolean
  /** The folder of another version, as given. */
  against: string | undefined
  help: boolean
}

export interface Plan {
  quick: boolean
  /** Whether another version takes part. */
  against: boolean
  /** One-second rounds for cases whose ratio counts. */
  turns: number
  /** The same for less important cases. */
  fewTurns: number
  /** Repetitions of everything else. */
  fewRounds: number
  /** Seconds per measurement. */
  seconds: number
  /** Rows of the table that is read, and of a small one for comparison. */
  rows: number
  fewRows: number
}

/** Seconds after which no new case begins. A run may take 60 seconds, or 40 minutes, including cleanup. */
export const limits = { quick: 56, whole: 40 * 60 - 15 }

/** @throws Error if an option is unknown */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      against: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const only = values.only.flatMap((names) => names.split(',')).filter((name) => name !== '')
  return { only, quick: values.quick, against: values.against, help: values.help }
}

export function planOf({ quick, against }: Options): Plan {
  const asked = { quick, against: against !== undefined }
  return quick
    ? { ...asked, turns: 1, fewTurns: 1, fewRounds: 1, seconds: 1, rows: 100_000, fewRows: 10_000 }
    : { ...asked, turns: 7, fewTurns: 7, fewRounds: 2, seconds: 3, rows: 1_000_000, fewRows: 100_000 }
}
