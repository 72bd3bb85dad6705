import type { Cleanup } from '../support/cleanup.ts'

/** Counts during a fault. Among the last four, any that is not zero is a broken guarantee. */
export interface Tally {
  requests: number
  /** Got 503, as they should be while a store is down. */
  unavailable: number
  /** Cut off without a response, where the fault is that the service is killed. */
  unanswered: number
  /** Descriptions of responses that were neither right nor 503. */
  wrong: string[]
  /** Descriptions of confirmed writes that are missing or incomplete. */
  lost: string[]
  revokedAccepted: number
  /** Valid tokens that got 401. */
  validRefused: number
  /**
   * Milliseconds from the return of a store to the end of the last request that got 503 or took over a second;
   * undefined where no store was down.
   */
  recovery: number | undefined
}

export interface Site extends Cleanup {
  tally: Tally
  /** Reports progress. */
  step(what: string): void
}

export interface Fault {
  /** For `--only`. */
  name: string
  title: string
  /** Repetitions in a whole run. */
  times: number
  /** Why this machine cannot run it; false if it can. */
  missing?: string | false
  /** Injects the fault `times` times. @returns a note for the report */
  run(site: Site, times: number): Promise<string | void>
}

/** Milliseconds after the return of a store, in which the service must recover. */
const longestRecovery = 2_000

export function openTally(): Tally {
  return {
    requests: 0,
    unavailable: 0,
    unanswered: 0,
    wrong: [],
    lost: [],
    revokedAccepted: 0,
    validRefused: 0,
    recovery: undefined,
  }
}

/** Descriptions of broken guarantees. */
export function broken({ wrong, lost, revokedAccepted, validRefused, recovery = 0, requests }: Tally): string[] {
  return [
    ...wrong,
    ...lost,
    ...(revokedAccepted > 0 ? [`${revokedAccepted} revoked tokens were accepted`] : []),
    ...(validRefused > 0 ? [`${validRefused} valid tokens were rejected`] : []),
    ...(recovery > longestRecovery ? [`recovery took ${Math.round(recovery)} ms`] : []),
    ...(requests === 0 ? ['no request was sent'] : []),
  ]
}
