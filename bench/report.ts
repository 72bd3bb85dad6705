/** A requirement of a case, and the result. */
export interface Bar {
  bar: string
  figure: string
  /** Undefined if a reference is missing or the run was too short. */
  met: boolean | undefined
}

export interface Table {
  header: string[]
  rows: string[][]
}

/** The first column is text, the others are numbers. */
export function markdownTable({ header, rows }: Table, textColumns = 1): string {
  const rule = header.map((_, index) => (index < textColumns ? '---' : '--:'))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}

function line(cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}

export function barTable(bars: { title: string; bars: Bar[] }[]): string {
  const rows = bars.flatMap(({ title, bars: ofCase }) =>
    ofCase.map(({ bar, figure, met }) => [title, bar, figure, met === undefined ? '–' : met ? 'yes' : '**no**']),
  )
  return markdownTable({ header: ['case', 'bar', 'figure', 'met'], rows }, 4)
}

/** About three significant digits. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}

export function count(things: number): string {
  return things.toLocaleString('en')
}

export function median(values: number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((one, other) => one - other)
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.ceil((sorted.length - 1) / 2)]
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2
}

/** A bar `figure` ≥ `least`. */
export function atLeast(least: number, figure: number, bar: string, unit: string): Bar {
  return { bar, figure: `${short(figure)} ${unit}`, met: Number.isNaN(figure) ? undefined : figure >= least }
}

/** A bar `figure` ≤ `most`. */
export function atMost(most: number, figure: number, bar: string, unit: string): Bar {
  return { bar, figure: `${short(figure)} ${unit}`, met: Number.isNaN(figure) ? undefined : figure <= most }
}
