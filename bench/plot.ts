import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Bench } from './bench.ts'

/** Points of one line with ascending x. */
export interface Line {
  name: string
  points: [x: number, y: number][]
}

export interface Plot {
  title: string
  x: { label: string; log: boolean }
  y: { label: string; log: boolean }
  lines: Line[]
}

const width = 720
const height = 420
const frame = { left: 76, right: 150, top: 44, bottom: 56 }
const colors = ['#1f6feb', '#d1495b', '#2e933c', '#8e5ea2', '#c98600']

interface Scale {
  ticks: number[]
  at(value: number): number
}

export async function keepPlot({ plots }: Pick<Bench, 'plots'>, name: string, plot: Plot): Promise<void> {
  if (plots !== undefined) await writeFile(join(plots, `${name}.svg`), svg(plot))
}

/** A standalone SVG image. */
function svg({ title, x, y, lines }: Plot): string {
  const values = (axis: 0 | 1) => lines.flatMap(({ points }) => points.map((point) => point[axis]))
  const across = scale(values(0), x.log, frame.left, width - frame.right)
  const up = scale(values(1), y.log, height - frame.bottom, frame.top)
  const middle = (frame.top + height - frame.bottom) / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(frame.left, 24, title, 'font-size="15" font-weight="bold"'),
    ...across.ticks.flatMap((tick) => [
      rule(across.at(tick), frame.top, across.at(tick), height - frame.bottom),
      text(across.at(tick), height - frame.bottom + 18, label(tick), 'text-anchor="middle"'),
    ]),
    ...up.ticks.flatMap((tick) => [
      rule(frame.left, up.at(tick), width - frame.right, up.at(tick)),
      text(frame.left - 8, up.at(tick) + 4, label(tick), 'text-anchor="end"'),
    ]),
    text((frame.left + width - frame.right) / 2, height - 14, x.label, 'text-anchor="middle"'),
    text(18, middle, y.label, `text-anchor="middle" transform="rotate(-90 18 ${middle})"`),
    ...lines.flatMap((line, index) => curve(line, index, across, up)),
    '</svg>\n',
  ].join('\n')
}

function curve({ name, points }: Line, index: number, across: Scale, up: Scale): string[] {
  const color = colors[index % colors.length] ?? ''
  const places = points.map(([x, y]) => [across.at(x), up.at(y)].map((place) => place.toFixed(1)))
  const key = frame.top + 12 + index * 20
  return [
    `<polyline points="${places.map((place) => place.join(',')).join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
    ...places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${color}"/>`),
    `<rect x="${width - frame.right + 14}" y="${key - 9}" width="12" height="12" fill="${color}"/>`,
    text(width - frame.right + 32, key + 2, name, ''),
  ]
}

/** Linear from zero, or logarithmic from the power of ten below the minimum; `start` and `end` are coordinates. */
function scale(values: number[], log: boolean, start: number, end: number): Scale {
  const least = Math.min(...values)
  const most = Math.max(...values)
  if (log) {
    const low = Math.floor(Math.log10(least))
    const high = Math.ceil(Math.log10(most))
    const top = Math.max(high, low + 1)
    const ticks = Array.from({ length: top - low + 1 }, (_, index) => 10 ** (low + index))
    return { ticks, at: (value) => start + ((Math.log10(value) - low) / (top - low)) * (end - start) }
  }
  const step = niceStep(most / 5)
  const count = Math.max(1, Math.ceil(most / step))
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step)
  return { ticks, at: (value) => start + (value / (count * step)) * (end - start) }
}

function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast || 1))
  return ([1, 2, 5, 10].find((factor) => factor * power >= atLeast) ?? 10) * power
}

function label(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`
  if (value >= 1e3) return `${value / 1e3} k`
  return String(Number(value.toPrecision(3)))
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  const from = `x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}"`
  const to = `x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"`
  return `<line ${from} ${to} stroke="#ddd"/>`
}

function text(x: number, y: number, words: string, attributes: string): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="#333" ${attributes}>${escaped}</text>`
}
