import type { ItemVersion } from '../api.ts'
import { date, money } from '../format.ts'
import { more } from '../text/more.ts'
import { pricePoints, toPath } from './price-points.ts'

const width = 480
const height = 48

/** The prices of an item over time. The history below has the same numbers. */
export function PriceLine({ entries }: { entries: ItemVersion[] }) {
  const { itemDialogs: words } = more
  const points = pricePoints(entries, Date.now())
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined || points.length < 3) return null
  const prices = points.map(({ price }) => price)
  const range = [Math.min(...prices), Math.max(...prices)] as const
  return (
    <section>
      <h3>{words.priceOverTime}</h3>
      <svg
        class="price-line"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words.priceFromTo(money(first.price), date(first.at), money(last.price))}
      >
        <path d={toPath(points, width, height)} vector-effect="non-scaling-stroke" />
      </svg>
      <p class="hint ends">
        <span>{words.lowest(money(range[0]))}</span>
        <span>{words.highest(money(range[1]))}</span>
      </p>
    </section>
  )
}
