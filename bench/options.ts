import { parseArgs } from 'node:util'

export interface Options {
  /** Names of cases, or the beginning of some; empty: all of them. */
  only: string[]
  quick: boolean
  help: boolean
}

/** How long and how often everything is measured. */
export interface Plan {
  quick: boolean
  /** Rounds of a second in which candidates take turns whose ratio counts: what changes on the machine meets all of them. */
  turns: number
  /** The same for cases that matter less. */
  fewTurns: number
  /** Times that everything else is measured. */
  fewRounds: number
  /** Seconds of one measurement. */
  seconds: number
  /** Rows of the table that is read, and of a small one beside it. */
  rows: number
  fewRows: number
}

/** Seconds after which nothing new begins; a run may take 60, or 15 minutes, and has to clean up. */
export const limits = { quick: 56, whole: 15 * 60 - 15 }

/** @throws Error if there is no such option */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const only = values.only.flatMap((names) => names.split(',')).filter((name) => name !== '')
  return { only, quick: values.quick, help: values.help }
}

export function planOf({ quick }: Options): Plan {
  return quick
    ? { quick, turns: 1, fewTurns: 1, fewRounds: 1, seconds: 1, rows: 100_000, fewRows: 10_000 }
    : { quick, turns: 9, fewTurns: 7, fewRounds: 2, seconds: 3, rows: 1_000_000, fewRows: 100_000 }
}
