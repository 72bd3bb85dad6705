import type { ItemVersion } from '../../../src/client/client.ts'

export interface PricePoint {
  at: string
  price: number
}

/** The prices of the history from the oldest to the newest, which lasts until `now`. */
export function pricePoints(entries: readonly Pick<ItemVersion, 'fields' | 'change'>[], now: number): PricePoint[] {
  const changes = entries.filter(({ fields }) => fields.price_usd !== undefined).toReversed()
  const points = changes.flatMap(({ fields, change }): PricePoint[] => {
    const after = fields.price_usd?.[1]
    return typeof after === 'number' ? [{ at: change.at, price: after }] : []
  })
  const last = points.at(-1)
  return last === undefined ? [] : [...points, { at: new Date(now).toISOString(), price: last.price }]
}

/** A line of steps, for a price lasts until the next one. */
export function toPath(points: readonly PricePoint[], width: number, height: number): string {
  const times = points.map(({ at }) => Date.parse(at))
  const prices = points.map(({ price }) => price)
  const start = Math.min(...times)
  const span = Math.max(...times) - start || 1
  const low = Math.min(...prices)
  const range = Math.max(...prices) - low || 1
  const edge = 2
  const x = (time: number) => round(((time - start) / span) * width)
  const y = (price: number) => round(edge + (1 - (price - low) / range) * (height - 2 * edge))
  return points
    .map(({ price }, index) => {
      const at = x(times[index] ?? start)
      return index === 0 ? `M${at} ${y(price)}` : `H${at}V${y(price)}`
    })
    .join('')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
