import { visible } from './terminal.ts'

/** How far something is that takes longer than a second. */
export interface Progress {
  add(amount: number): void
  /** It starts over: what was sent did not count. */
  restart(): void
  /** All of it is there, or it was broken off: the last word. */
  end(): void
}

interface ProgressOptions {
  /** What it is about, such as the name of a file. */
  label: string
  /** How much there is, if that is known. */
  total?: number | undefined
  unit: 'bytes' | 'items'
  stream?: NodeJS.WriteStream
}

/** Milliseconds until there is something to show. */
const delay = 1_000
/** Milliseconds between two pictures on a terminal, and between two lines elsewhere. */
const frame = 100
const silence = 5_000
const barWidth = 24
/** Of a terminal that does not know how wide it is. */
const standardWidth = 80

/** Shows a bar, the rate and the remaining time on a terminal, and now and then a line elsewhere. */
export function showProgress({ label: name, total, unit, stream = process.stderr }: ProgressOptions): Progress {
  const label = visible(name)
  const isDrawn = stream.isTTY
  let startedAt = performance.now()
  let done = 0
  let isShown = false
  let waited = 0

  const seconds = () => Math.max((performance.now() - startedAt) / 1000, 0.001)
  const speed = () => `${amount(done / seconds(), unit)}/s`

  const line = () => {
    const soFar = amount(done, unit)
    if (total === undefined || total === 0) return [label, soFar, speed()].join('  ')
    const share = Math.min(done / total, 1)
    const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
    const bar = `[${'#'.repeat(share * barWidth).padEnd(barWidth, '-')}] `
    // All has been sent, and the server is still at work on it.
    const rest = share === 1 ? ['finishing'] : [speed(), `${duration(((total - done) * seconds()) / done)} left`]
    return [label, isDrawn ? bar + percent : percent, soFar, ...rest].join('  ')
  }
  // Cut to the width, for a line that wraps cannot be drawn over.
  const draw = () => {
    waited += period
    if (waited < delay) return
    isShown = true
    stream.write(isDrawn ? `\r\u001b[K${line().slice(0, (stream.columns || standardWidth) - 1)}` : `${line()}\n`)
  }
  const period = isDrawn ? frame : silence
  const drawing = setInterval(draw, period)

  return {
    add: (more) => (done += more),
    restart() {
      startedAt = performance.now()
      done = 0
    },
    end() {
      clearInterval(drawing)
      if (!isShown) return
      isShown = false
      const said = [label, `${amount(done, unit)} in ${seconds().toFixed(1)} s`, speed()].join('  ')
      stream.write(`${isDrawn ? '\r\u001b[K' : ''}${said}\n`)
    },
  }
}

/** Nothing is shown. */
export const noProgress: Progress = { add: () => 0, restart() {}, end() {} }

/** 1,234 items, or 12.3 MB. */
export function amount(value: number, unit: 'bytes' | 'items'): string {
  if (unit === 'items') return `${Math.round(value).toLocaleString('en')} items`
  return value < 1e6 ? `${(value / 1e3).toFixed(1)} kB` : `${(value / 1e6).toFixed(1)} MB`
}

/** 1:05, or 2:00:05. */
function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  const whole = Math.ceil(seconds)
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  const rest = whole % 60
  const end = String(rest).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${end}` : `${minutes}:${end}`
}
