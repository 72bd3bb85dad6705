import { asJson, type Read } from './responses.ts'
import type { ChangeSet, ItemChange, ItemVersion, operations } from './schema.ts'
import { isChangeSet, isItemChange, isItemVersion } from './shapes.ts'
import { type CallOptions, type Connection, send } from './transport.ts'

/** Filters and place of a page of change sets, by their names in the API. */
export type ChangesQuery = NonNullable<operations['listChanges']['parameters']['query']>
/** Place of a page. */
export type PageQuery = NonNullable<operations['listChangedItems']['parameters']['query']>

export interface ChangesPage<Entry> {
  entries: Entry[]
  /** The `after` of the next page; undefined if this is the last. */
  next: string | undefined
}

/** The history of items. */
export function changeMethods(connection: Connection) {
  const read = <T>(path: string, query: object, { signal }: CallOptions, take: Read<T>) =>
    send(connection, { method: 'GET', path, query, isIdempotent: true, signal }, take)

  return {
    /** A page of change sets, newest first. */
    list: (query: ChangesQuery = {}, call: CallOptions = {}): Promise<ChangesPage<ChangeSet>> =>
      read('/changes', query, call, pageOf(isChangeSet)),
    get: (id: string, call: CallOptions = {}): Promise<ChangeSet> =>
      read(`/changes/${encodeURIComponent(id)}`, {}, call, asJson(isChangeSet)),
    /** A page of the changes of a set, by the IDs of its items. */
    items: (id: string, query: PageQuery = {}, call: CallOptions = {}): Promise<ChangesPage<ItemChange>> =>
      read(`/changes/${encodeURIComponent(id)}/items`, query, call, pageOf(isItemChange)),
    /** A page of the changes of an item, newest first, also if it was deleted. */
    ofItem: (id: string, query: PageQuery = {}, call: CallOptions = {}): Promise<ChangesPage<ItemVersion>> =>
      read(`/items/${encodeURIComponent(id)}/changes`, query, call, pageOf(isItemVersion)),
  }
}

function pageOf<Entry>(isEntry: (value: unknown) => value is Entry): Read<ChangesPage<Entry>> {
  const isList = (value: unknown): value is Entry[] => Array.isArray(value) && value.every(isEntry)
  const asEntries = asJson(isList)
  return async (response, hold) => {
    const entries = await asEntries(response, hold)
    const [, next] = /<([^>]*)>; *rel="next"/.exec(response.headers.get('link') ?? '') ?? []
    const after = next === undefined ? undefined : new URLSearchParams(next.split('?')[1]).get('after')
    return { entries, next: after ?? undefined }
  }
}
