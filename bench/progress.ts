import type { Plan } from './options.ts'

/** A case, as far as progress is told of it. */
interface Timed {
  title: string
  /** About how many seconds it takes. */
  seconds: (plan: Plan) => number
}

export interface Progress {
  /** Seconds since the start. */
  elapsed: () => number
  /** How many times as long as estimated the cases so far took; at least 0.6. */
  pace: () => number
  begin: (current: Timed, later: Timed[]) => void
  step: (what: string) => void
}

/** Tells on stderr how far the run is. */
export function openProgress(plan: Plan): Progress {
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  const sum = (cases: Timed[]) => cases.reduce((seconds, one) => seconds + one.seconds(plan), 0)
  let title = ''
  /** When the first case began; seconds that those before this one were estimated at, it itself, and those after it. */
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
