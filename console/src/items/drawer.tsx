import { client, type Item, type ItemVersion } from '../api.ts'
import { explain } from '../explain.ts'
import { go, hrefOf, place } from '../route.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { useTitle } from '../ui/heading.tsx'
import { useLoad } from '../ui/load.ts'
import { Modal } from '../ui/modal.tsx'
import { closeDrawer, rowLink } from './close-drawer.ts'
import { DeletedItem } from './deleted-item.tsx'
import { ItemEditor } from './editor.tsx'
import { ItemHistory } from './item-history.tsx'
import { NewItem } from './new-item.tsx'
import { PriceLine } from './price-line.tsx'
import { toSearch } from './query.ts'
import { changedItems, ownWrite, query, readItem, shown } from './store.ts'

const historyLimit = 50

/** The item of the address, over the list. */
export function ItemDrawer({ id }: { id: string }) {
  return id === 'new' ? <NewItem /> : <ExistingItem id={id} />
}

interface Loaded {
  id: string
  item: Item | undefined
  entries: ItemVersion[]
}

function ExistingItem({ id }: { id: string }) {
  const { value, error, reload } = useLoad((signal) => load(id, signal), [id])
  const current = value?.id === id ? value : undefined
  const known = shown.value?.items.find((each) => each.id === id)
  const title = current?.item?.name ?? current?.entries[0]?.name ?? known?.name ?? text.items.title
  useTitle(title)
  return (
    <Modal kind="drawer" title={title} onClose={closeDrawer} returnTo={() => rowLink(id)} tools={<Neighbors id={id} />}>
      {error !== undefined && (
        <p class="error" role="alert">
          {explain(error)}
        </p>
      )}
      {current !== undefined && (
        <>
          <ItemNews id={id} version={current.item?.version} onReload={reload} />
          {current.item === undefined ? (
            <DeletedItem id={id} entries={current.entries} onRestored={reload} />
          ) : (
            <ItemEditor key={id} item={current.item} onReload={reload} />
          )}
          <PriceLine entries={current.entries} />
          <ItemHistory entries={current.entries} item={current.item} onUndone={reload} />
        </>
      )}
    </Modal>
  )
}

async function load(id: string, signal: AbortSignal): Promise<Loaded> {
  const [item, { entries }] = await Promise.all([
    readItem(id, signal),
    client.changes.ofItem(id, { limit: historyLimit }, { signal }),
  ])
  if (item !== undefined) ownWrite(item)
  return { id, item, entries }
}

/** Says that the item has changed while it is open. Its fields stay as they are until it is loaded again. */
function ItemNews({ id, version, onReload }: { id: string; version: number | undefined; onReload: () => void }) {
  const latest = changedItems.value.get(id)
  const isOld = latest !== undefined && version !== undefined && latest > version
  return (
    <div role="status">
      {isOld && (
        <p class="notice row">
          {more.itemDialogs.itemChanged}
          <button type="button" class="link" onClick={onReload}>
            {text.shell.reload}
          </button>
        </p>
      )}
    </div>
  )
}

/** Buttons to the items before and after this one in the list. */
function Neighbors({ id }: { id: string }) {
  const { itemDialogs: words } = more
  const rows = shown.value?.items ?? []
  const at = rows.findIndex((each) => each.id === id)
  const previous = at > 0 ? rows[at - 1] : undefined
  const next = at === -1 ? undefined : rows[at + 1]
  return (
    <>
      {[
        { item: previous, label: words.previousItem, sign: '↑' },
        { item: next, label: words.nextItem, sign: '↓' },
      ].map(({ item, label, sign }) => (
        <button
          key={sign}
          type="button"
          class="icon"
          aria-label={label}
          title={label}
          aria-disabled={item === undefined}
          onClick={() => show(item)}
        >
          <span aria-hidden="true">{sign}</span>
        </button>
      ))}
    </>
  )
}

function show(item: Item | undefined): void {
  if (item === undefined) return
  go(hrefOf(`items/${item.id}`, toSearch(query.peek())), { replace: true, state: place.peek().state })
}
