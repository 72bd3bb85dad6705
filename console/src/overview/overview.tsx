import type { ComponentChildren } from 'preact'

import { type ChangeSet, client, type ItemSummary } from '../api.ts'
import { explain } from '../explain.ts'
import { count } from '../format.ts'
import { EmptyStore } from '../items/empty-store.tsx'
import { writes } from '../items/store.ts'
import { go, hrefOf, place } from '../route.ts'
import { me } from '../session.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { SelectField } from '../ui/field.tsx'
import { Heading } from '../ui/heading.tsx'
import { useLoad } from '../ui/load.ts'
import { CategoryTable, PriceTable } from './bars.tsx'
import { DayChart } from './day-chart.tsx'
import { firstDay } from './days.ts'
import { hrefOfItems } from './links.ts'
import { sum } from './sums.ts'

const pageOfChanges = 1_000
/** A store with more changes in a month than this many pages gets those of its last days. */
const mostPages = 5

export function OverviewScreen() {
  const { overview: words } = more
  const isMine = new URLSearchParams(place.value.search).get('owner') === 'me'
  const owner = isMine ? ({ store_manager_id: 'me' } as const) : {}
  const summary = useLoad((signal) => client.items.summary(owner, { signal }), [isMine, writes.value])
  const changes = useLoad((signal) => latestChanges(isMine, signal), [isMine, writes.value])
  return (
    <div class="page">
      <div class="page-head">
        <Heading title={words.title} />
        <SelectField
          label={words.whose}
          name="owner"
          value={isMine ? 'me' : ''}
          onChange={({ currentTarget: { value } }) => go(hrefOf('overview', value === '' ? '' : 'owner=me'))}
        >
          <option value="">{words.allItems}</option>
          <option value="me">{words.myItems}</option>
        </SelectField>
      </div>
      {summary.error !== undefined && <p class="error">{explain(summary.error)}</p>}
      {summary.value === undefined && summary.isLoading && <p class="muted late">{text.shell.loading}</p>}
      {summary.value && (
        <div class="stack" inert={summary.isLoading}>
          <Totals summary={summary.value} isMine={isMine} />
          {summary.value.items === 0 ? (
            <EmptyStore {...(isMine && { title: words.noneOfYours })} />
          ) : (
            <div class="charts">
              <CategoryTable summary={summary.value} isMine={isMine} />
              <PriceTable summary={summary.value} isMine={isMine} />
            </div>
          )}
          {changes.value && <DayChart {...changes.value} isMine={isMine} />}
        </div>
      )}
    </div>
  )
}

function Totals({ summary, isMine }: { summary: ItemSummary; isMine: boolean }) {
  const { overview: words } = more
  const link = (filters: Record<string, string>, number: number) => (
    <a href={hrefOfItems(filters, isMine)}>{count(number)}</a>
  )
  return (
    <dl class="totals">
      <Total name={words.items}>{link({}, summary.items)}</Total>
      <Total name={words.inStock}>{link({ in_stock: 'true' }, summary.in_stock)}</Total>
      <Total name={words.soldOut}>{link({ in_stock: 'false' }, summary.items - summary.in_stock)}</Total>
      <Total name={words.sum}>{summary.value_usd === null ? words.tooLarge : sum(summary.value_usd)}</Total>
    </dl>
  )
}

function Total({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="card">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

async function latestChanges(
  isMine: boolean,
  signal: AbortSignal,
): Promise<{ sets: ChangeSet[]; isComplete: boolean; now: Date }> {
  const now = new Date()
  const query = { since: firstDay(now).toISOString(), limit: pageOfChanges, ...(isMine && { manager: me().id }) }
  const sets: ChangeSet[] = []
  let after: string | undefined
  for (let page = 0; page < mostPages; page++) {
    const { entries, next } = await client.changes.list({ ...query, ...(after !== undefined && { after }) }, { signal })
    sets.push(...entries)
    after = next
    if (next === undefined) break
  }
  return { sets, isComplete: after === undefined, now }
}
