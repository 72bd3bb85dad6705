import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

import type { Category, ItemSummary } from '../api.ts'
import { count, money } from '../format.ts'
import { categories } from '../items/query.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { hrefOfItems } from './links.ts'
import { below, sum } from './sums.ts'

interface Props {
  summary: ItemSummary
  isMine: boolean
}

export function CategoryTable({ summary, isMine }: Props) {
  const { overview: words } = more
  const { items } = text
  const totalsOf = (category: Category) => summary.by_category[category] ?? none
  const most = Math.max(...categories.map((category) => totalsOf(category).items))
  return (
    <Chart title={words.byCategory} columns={[words.category, words.items, words.share, words.sum]}>
      {categories.map((category) => {
        const { items: number, value_usd: value } = totalsOf(category)
        return (
          <tr key={category}>
            <th scope="row">
              <a href={hrefOfItems({ category }, isMine)}>{items.categories[category]}</a>
            </th>
            <td class="number">{count(number)}</td>
            <td class="bar">
              <Bar part={number} whole={most} />
            </td>
            <td class="number">{value === null ? words.tooLarge : sum(value)}</td>
          </tr>
        )
      })}
    </Chart>
  )
}

const none = { items: 0, in_stock: 0, value_usd: 0 }

/** Without the empty ranges above the highest price. */
export function PriceTable({ summary: { prices }, isMine }: Props) {
  const { overview: words } = more
  const last = prices.findLastIndex(({ items }) => items > 0)
  const rows = prices.slice(0, last + 1)
  const most = Math.max(...rows.map(({ items }) => items))
  return (
    <Chart title={words.byPrice} columns={[words.price, words.items, words.share]}>
      {rows.map(({ from, to, items }) => (
        <tr key={from}>
          <th scope="row">
            <a
              href={hrefOfItems(
                to === null ? { min_price: `${from}` } : { min_price: `${from}`, max_price: `${below(to)}` },
                isMine,
              )}
            >
              {to === null ? words.andMore(money(from)) : words.range(money(from), money(below(to)))}
            </a>
          </th>
          <td class="number">{count(items)}</td>
          <td class="bar">
            <Bar part={items} whole={most} />
          </td>
        </tr>
      ))}
    </Chart>
  )
}

function Chart({ title, columns, children }: { title: string; columns: string[]; children: ComponentChildren }) {
  const { share } = more.overview
  const id = useId()
  return (
    <section class="card stack">
      <h2 id={id}>{title}</h2>
      <table class="chart" aria-labelledby={id}>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={column} scope="col" class={column === share ? 'bar' : index > 0 ? 'number' : undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  )
}

/** The number next to it says the same. */
function Bar({ part, whole }: { part: number; whole: number }) {
  const width = whole === 0 ? 0 : (part / whole) * 100
  return (
    <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect width={width} height="10" />
    </svg>
  )
}
