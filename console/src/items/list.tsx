import { useEffect } from 'preact/hooks'

import { client } from '../api.ts'
import { explain } from '../explain.ts'
import { hrefOf, route } from '../route.ts'
import { text } from '../text/text.ts'
import { Heading } from '../ui/heading.tsx'
import { lazy } from '../ui/lazy.tsx'
import { useLoad } from '../ui/load.ts'
import { openedBulk } from './bulk-state.ts'
import { ExportMenu } from './export-menu.tsx'
import { FilterBar } from './filters.tsx'
import { ListPager, pageNumber } from './list-pager.tsx'
import { NewsLine, useNews } from './news.tsx'
import { filtersKey, hasFilters, noQuery, toFilters, toSearch } from './query.ts'
import { sampleChange } from './sample-state.ts'
import { selection } from './selected.ts'
import { isEmpty as isNoneSelected } from './selection.ts'
import { changeQuery, counted, listHref, loadPage, prefetchNext, query, shown, writes } from './store.ts'
import { useTableKeys } from './table-keys.ts'
import { ItemsTable } from './table.tsx'

const ItemDrawer = lazy(async () => (await import('./drawer.tsx')).ItemDrawer)
const BulkDialog = lazy(async () => (await import('./bulk-dialog.tsx')).BulkDialog)
const SelectionBar = lazy(async () => (await import('./selection-bar.tsx')).SelectionBar)
const SampleNotice = lazy(async () => (await import('./sample-notice.tsx')).SampleNotice)
const EmptyStore = lazy(async () => (await import('./empty-store.tsx')).EmptyStore)

export function ItemsScreen() {
  const { items: words } = text
  const wanted = query.value
  const key = toSearch(wanted)
  const { error } = useLoad((signal) => loadPage(wanted, signal), [key, writes.value])
  const page = shown.value
  const isStale = page?.key !== key
  const total = useTotal(page !== undefined && !isStale)
  useTableKeys()
  useNews()
  useEffect(() => {
    if (page !== undefined && !isStale) whenIdle(fetchAhead)
  }, [page?.loaded, isStale])
  const isEmpty = page !== undefined && !isStale && page.items.length === 0
  const isStoreEmpty = isEmpty && !hasFilters(wanted) && wanted.after === undefined
  return (
    <div class="page">
      <div class="page-head">
        <Heading title={words.title} />
        {!isStoreEmpty && <ExportMenu />}
        {!isStoreEmpty && (
          <a class="button primary" href={hrefOf('items/new', key)}>
            {words.newItem}
          </a>
        )}
      </div>
      {!isStoreEmpty && <FilterBar />}
      {sampleChange.value !== undefined && !isEmpty && <SampleNotice change={sampleChange.value} />}
      <div class="list-head" hidden={isStoreEmpty}>
        <p role="status">{total === undefined || isStale ? '' : words.count(total)}</p>
        <NewsLine />
        {page !== undefined && !isEmpty && (
          <ListPager name={words.pagerAbove} next={isStale ? undefined : page.next} hasKeys />
        )}
      </div>
      {!isNoneSelected(selection.value) && <SelectionBar total={total} />}
      {error !== undefined && (
        <p class="error" role="alert">
          {explain(error)}
        </p>
      )}
      {page === undefined && error === undefined && <p class="muted late">{words.loadingRows}</p>}
      {page !== undefined && page.items.length > 0 && (
        <ItemsTable items={page.items} isStale={isStale} caption={words.tableOf(pageNumber())} />
      )}
      {isStoreEmpty && <EmptyStore />}
      {isEmpty && !isStoreEmpty && <NothingMatches isPage={wanted.after !== undefined} />}
      {page !== undefined && page.items.length > 20 && (
        <ListPager name={words.pagerBelow} next={isStale ? undefined : page.next} />
      )}
      {route.value.item !== undefined && <ItemDrawer id={route.value.item} />}
      {openedBulk.value !== undefined && <BulkDialog kind={openedBulk.value} />}
    </div>
  )
}

/** The number of items on all pages, which comes after the rows. */
function useTotal(isReady: boolean): number | undefined {
  const wanted = query.value
  const key = filtersKey(wanted)
  const { value } = useLoad(
    async (signal) => {
      if (!isReady) return undefined
      const { total } = await client.items.list({ ...toFilters(wanted), limit: 1, count: 'exact' }, { signal })
      return { key, total }
    },
    [key, isReady, writes.value, counted.value],
  )
  return value?.key === key ? value.total : undefined
}

function NothingMatches({ isPage }: { isPage: boolean }) {
  const { items: words } = text
  if (isPage)
    return (
      <div class="empty">
        <p>{words.lastPage}</p>
        <a class="button" href={listHref({ ...query.value, after: undefined })}>
          {words.firstPage}
        </a>
      </div>
    )
  return (
    <div class="empty">
      <p>
        <strong>{words.nothing}</strong> {words.tryOthers}
      </p>
      <button type="button" onClick={() => changeQuery({ ...noQuery, sort: query.peek().sort })}>
        {words.clear}
      </button>
    </div>
  )
}

function fetchAhead(): void {
  prefetchNext()
  ItemDrawer.preload()
  SelectionBar.preload()
  BulkDialog.preload()
}

function whenIdle(run: () => void): void {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(run)
  else setTimeout(run, 200)
}
