import { visible } from './terminal.ts'

export interface Progress {
  add(amount: number): void
  restart(): void
  end(): void
}

interface ProgressOptions {
  label: string
  total?: number | undefined
  unit: 'bytes' | 'items'
  stream?: NodeJS.WriteStream
}

const delayMs = 1_000
const frameMs = 100
const lineIntervalMs = 5_000
const barWidth = 24
const standardWidth = 80

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
    // Everything has been sent, and the server is still processing it.
    const rest = share === 1 ? ['finishing'] : [speed(), `${duration(((total - done) * seconds()) / done)} left`]
    return [label, isDrawn ? bar + percent : percent, soFar, ...rest].join('  ')
  }
  // Cut to the width, because a wrapped line cannot be overwritten.
  const draw = () => {
    waited += intervalMs
    if (waited < delayMs) return
    isShown = true
    stream.write(isDrawn ? `\r\u001b[K${line().slice(0, (stream.columns || standardWidth) - 1)}` : `${line()}\n`)
  }
  const intervalMs = isDrawn ? frameMs : lineIntervalMs
  const drawing = setInterval(draw, intervalMs)

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

export const noProgress: Progress = { add: () => 0, restart() {}, end() {} }

export function amount(value: number, unit: 'bytes' | 'items'): string {
  if (unit === 'items') return `${Math.round(value).toLocaleString('en')} items`
  return value < 1e6 ? `${(value / 1e3).toFixed(1)} kB` : `${(value / 1e6).toFixed(1)} MB`
}

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  const whole = Math.ceil(seconds)
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  const rest = whole % 60
  const end = String(rest).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${end}` : `${minutes}:${end}`
}
