import type { Cleanup } from '../support/cleanup.ts'

/** What was seen under a fault. Whatever is not zero among the last four is a broken promise. */
export interface Tally {
  requests: number
  /** Answered 503, as they should be while a store is away. */
  unavailable: number
  /** Cut off without an answer, where the fault is that the service is killed. */
  unanswered: number
  /** Answers that were neither right nor 503, in words. */
  wrong: string[]
  /** Writes that were answered and are not there, or half there, in words. */
  lost: string[]
  revokedAccepted: number
  /** Valid tokens that were answered 401. */
  validRefused: number
  /**
   * Milliseconds from the return of a store to the end of the last request that was answered 503 or took over a second;
   * undefined where no store was away.
   */
  recovery: number | undefined
}

/** What a fault works with. */
export interface Site extends Cleanup {
  /** Of the fault. */
  tally: Tally
  /** Tells how far it is. */
  step(what: string): void
}

/** Something that goes wrong, for real. */
export interface Fault {
  /** As `--only` knows it. */
  name: string
  title: string
  /** How often it happens in a whole run. */
  times: number
  /** Makes it happen so many times. @returns what else there is to say of it */
  run(site: Site, times: number): Promise<string | void>
}

/** Milliseconds in which the service has to be right again after a store's return. */
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

/** The promises that were broken, in words. */
export function broken({ wrong, lost, revokedAccepted, validRefused, recovery = 0, requests }: Tally): string[] {
  return [
    ...wrong,
    ...lost,
    ...(revokedAccepted > 0 ? [`${revokedAccepted} revoked tokens were accepted`] : []),
    ...(validRefused > 0 ? [`${validRefused} valid tokens were refused`] : []),
    ...(recovery > longestRecovery ? [`it took ${Math.round(recovery)} ms to be right again`] : []),
    ...(requests === 0 ? ['nothing was asked'] : []),
  ]
}
