import type { FollowedEvent, FollowQuery } from './follow.ts'
import { asJson, type Read } from './responses.ts'
import type { ChangeSet, ItemChange, ItemVersion, operations, UndoReport } from './schema.ts'
import { isChangeSet, isItemChange, isItemVersion, isUndoReport } from './shapes.ts'
import { type CallOptions, type Connection, type KeyedCall, keyHeader, send } from './transport.ts'

export type ChangesQuery = NonNullable<operations['listChanges']['parameters']['query']>
export type PageQuery = NonNullable<operations['listChangedItems']['parameters']['query']>

export interface UndoOptions extends KeyedCall {
  /** Returns what would be written, and writes nothing. */
  dryRun?: boolean | undefined
  /** What happens if items have changed since: nothing is written, or they are left as they are. */
  onConflict?: 'stop' | 'skip' | undefined
}

export interface ChangesPage<Entry> {
  entries: Entry[]
  /** The `after` of the next page; undefined if this is the last. */
  next: string | undefined
}

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
    /**
     * Restores what a set changed, exactly once: the request carries an Idempotency-Key.
     * @throws StockroomError `undo_conflict` with the items that have changed since in `problem.conflicts`, unless they are skipped
     */
    undo(id: string, { dryRun, onConflict, key, signal }: UndoOptions = {}): Promise<UndoReport> {
      const path = `/changes/${encodeURIComponent(id)}/undo`
      const query = { dry_run: dryRun, on_conflict: onConflict }
      const headers = keyHeader(key, dryRun)
      const request = { method: 'POST', path, query, headers, isIdempotent: true, signal } as const
      return send(connection, request, asJson(isUndoReport))
    },
    /** Iterates over changes without end; see `follow`. */
    async *follow(query: FollowQuery, call: CallOptions = {}): AsyncGenerator<FollowedEvent, void, undefined> {
      // Bundlers leave it out of what a page loads first.
      const { follow } = await import('./follow.ts')
      yield* follow(connection, query, call)
    },
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
