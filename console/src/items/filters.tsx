import { useEffect, useRef, useState } from 'preact/hooks'

import { parsePrice, plainPrice } from '../format.ts'
import { place } from '../route.ts'
import { text } from '../text/text.ts'
import { Checkbox } from '../ui/checkbox.tsx'
import { Menu } from '../ui/menu.tsx'
import {
  categories,
  countFilters,
  hasFilters,
  isSearchable,
  type ItemsQuery,
  newestFirst,
  noQuery,
  type Sort,
} from './query.ts'
import { changeQuery, query } from './store.ts'

const searchDelayMs = 200

export function FilterBar() {
  const { items: words } = text
  const wanted = query.value
  const [isOpen, setIsOpen] = useState(false)
  return (
    <search class="filters">
      <SearchField />
      <button type="button" class="filters-toggle" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        {words.filtersOf(countFilters(wanted))}
        <span class="caret" aria-hidden="true" />
      </button>
      <div class={`filters-more ${isOpen ? 'is-open' : ''}`}>
        <CategoryMenu wanted={wanted} />
        <select
          aria-label={words.stock}
          value={String(wanted.in_stock ?? '')}
          onChange={({ currentTarget: { value } }) =>
            changeQuery({ in_stock: value === '' ? undefined : value === 'true' })
          }
        >
          <option value="">{words.anyStock}</option>
          <option value="true">{words.inStock}</option>
          <option value="false">{words.soldOut}</option>
        </select>
        <OwnerFilter wanted={wanted} />
        <PriceFilter wanted={wanted} />
        <OrderSelect wanted={wanted} />
        {hasFilters(wanted) && (
          <button type="button" class="link" onClick={() => changeQuery({ ...noQuery, sort: wanted.sort })}>
            {words.clear}
          </button>
        )}
      </div>
    </search>
  )
}

function SearchField() {
  const { items: words } = text
  const { q } = query.value
  const [typed, setTyped] = useState(q)
  const input = useRef<HTMLInputElement>(null)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const applied = useRef(q)
  // The buttons of the browser and "Clear" change the field; a response that is late does not.
  useEffect(() => {
    if (q === applied.current) return
    applied.current = q
    setTyped(q)
  }, [q])
  useEffect(() => {
    if (place.value.state.focus === 'search') input.current?.focus()
    return () => clearTimeout(timer.current)
  }, [])
  const apply = (value: string) => {
    clearTimeout(timer.current)
    if (value.trim() === query.peek().q.trim()) return
    applied.current = value
    changeQuery({ q: value }, { replace: true })
  }
  return (
    <input
      ref={input}
      type="search"
      name="q"
      aria-label={words.search}
      placeholder={words.search}
      maxLength={200}
      value={typed}
      onInput={({ currentTarget: { value } }) => {
        setTyped(value)
        clearTimeout(timer.current)
        if (isSearchable(value)) timer.current = setTimeout(() => apply(value), searchDelayMs)
      }}
      onKeyDown={({ key, isComposing }) => {
        if (key === 'Enter' && !isComposing) apply(typed)
      }}
    />
  )
}

function CategoryMenu({ wanted }: { wanted: ItemsQuery }) {
  const { items: words } = text
  const [only, ...more] = wanted.category
  const some = more.length > 0 ? words.someCategories(wanted.category.length) : undefined
  const label = only === undefined ? words.allCategories : (some ?? words.categories[only])
  return (
    <Menu label={label} name={`${words.category}: ${label}`} isClosedByClick={false}>
      {categories.map((category) => (
        <Checkbox
          key={category}
          label={words.categories[category]}
          checked={wanted.category.includes(category)}
          onChange={({ currentTarget: { checked } }) => {
            const rest = wanted.category.filter((each) => each !== category)
            changeQuery({
              category: checked ? categories.filter((each) => each === category || rest.includes(each)) : rest,
            })
          }}
        />
      ))}
    </Menu>
  )
}

function OwnerFilter({ wanted: { owner } }: { wanted: ItemsQuery }) {
  const { items: words } = text
  return (
    <select
      aria-label={words.owner}
      value={owner ?? ''}
      onChange={({ currentTarget: { value } }) => changeQuery({ owner: value === '' ? undefined : value })}
    >
      <option value="">{words.anyOwner}</option>
      <option value="me">{words.myItems}</option>
      {owner !== undefined && owner !== 'me' && <option value={owner}>{words.oneOwner}</option>}
    </select>
  )
}

function PriceFilter({ wanted }: { wanted: ItemsQuery }) {
  const { items: words } = text
  return (
    <span class="price-range">
      <PriceBound name="min_price" label={words.lowestPrice} before={words.from} value={wanted.min_price} />
      <PriceBound name="max_price" label={words.highestPrice} before={words.to} value={wanted.max_price} />
    </span>
  )
}

interface BoundProps {
  name: 'min_price' | 'max_price'
  label: string
  before: string
  value: number | undefined
}

function PriceBound({ name, label, before, value }: BoundProps) {
  const shownValue = value === undefined ? '' : plainPrice(value)
  const [typed, setTyped] = useState(shownValue)
  useEffect(() => setTyped(shownValue), [shownValue])
  const price = typed.trim() === '' ? undefined : parsePrice(typed)
  const isInvalid = typed.trim() !== '' && price === undefined
  const apply = () => {
    if (!isInvalid && price !== value) changeQuery({ [name]: price })
  }
  return (
    <label class="price-bound">
      <span aria-hidden="true">{before}</span>
      <input
        inputMode="decimal"
        name={name}
        aria-label={label}
        aria-invalid={isInvalid}
        title={isInvalid ? text.items.notAPrice : undefined}
        size={6}
        value={typed}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        onBlur={apply}
        onKeyDown={({ key }) => {
          if (key === 'Enter') apply()
        }}
      />
    </label>
  )
}

function OrderSelect({ wanted: { sort = newestFirst } }: { wanted: ItemsQuery }) {
  const { items: words } = text
  return (
    <select
      aria-label={words.order}
      value={sort}
      onChange={({ currentTarget: { value } }) =>
        changeQuery({ sort: value === newestFirst ? undefined : (value as Sort) })
      }
    >
      {Object.entries(words.orders).map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  )
}
