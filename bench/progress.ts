import type { Plan } from './options.ts'

/** What progress reports of a case. */
interface Timed {
  title: string
  /** Estimated seconds. */
  seconds: (plan: Plan) => number
}

export interface Progress {
  /** Seconds since the start. */
  elapsed: () => number
  /** The ratio of actual to estimated time so far; at least 0.6. */
  pace: () => number
  begin: (current: Timed, later: Timed[]) => void
  step: (what: string) => void
}

/** Reports progress on stderr. */
export function openProgress(plan: Plan): Progress {
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  const sum = (cases: Timed[]) => cases.reduce((seconds, one) => seconds + one.seconds(plan), 0)
  let title = ''
  /** When the first case began; estimated seconds of the cases before this one, of this one, and of those after it. */
  let first = 0
  let done = 0
  let own = 0
  let later = 0
  let begun = 0

  const pace = () => (done > 0 ? Math.max(0.6, (begun - first) / done) : 1)
  return {
    elapsed,
    pace,
    begin(current, following) {
      begun = elapsed()
      if (title === '') first = begun
      done += own
      own = current.seconds(plan)
      later = sum(following)
      title = current.title
    },
    step(what) {
      const rest = Math.max(0, own * pace() - (elapsed() - begun)) + later * pace()
      const left = title === '' ? '' : `, about ${minutes(rest)} left`
      process.stderr.write(`[${minutes(elapsed())}${left}] ${title === '' ? '' : `${title}: `}${what}\n`)
    },
  }
}

function minutes(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
