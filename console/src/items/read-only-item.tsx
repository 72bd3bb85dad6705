import type { Item } from '../api.ts'
import { money } from '../format.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { StockLabel } from './row.tsx'

/** An item of another manager. */
export function ReadOnlyItem({ item }: { item: Item }) {
  const { items: words } = text
  const { itemDialogs: dialogs } = more
  return (
    <>
      <p class="notice">{dialogs.notYours(item.store_manager?.name ?? words.someone)}</p>
      <dl class="facts">
        <div>
          <dt>{words.category}</dt>
          <dd>{words.categories[item.category]}</dd>
        </div>
        <div>
          <dt>{words.price}</dt>
          <dd>{money(item.price_usd)}</dd>
        </div>
        <div>
          <dt>{words.stock}</dt>
          <dd>
            <StockLabel isInStock={item.in_stock} />
          </dd>
        </div>
      </dl>
    </>
  )
}
