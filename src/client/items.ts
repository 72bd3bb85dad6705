import { StockroomError } from './errors.ts'
import { pageMethods } from './pages.ts'
import { asJson, asNothing, type CallOptions, type Connection, json, keyed, send } from './requests.ts'
import type { ImportReport, Item, ItemCreate, ItemSummary, ItemUpdate, operations } from './schema.ts'

export type Filters = NonNullable<operations['summarizeItems']['parameters']['query']>
export type ExportQuery = NonNullable<operations['exportItems']['parameters']['query']>
type ImportQuery = NonNullable<operations['importItems']['parameters']['query']>

export interface ImportOptions extends ImportQuery, CallOptions {
  /** What the file is. */
  format: 'csv' | 'ndjson'
}

/**
 * A file to import. A function is called each time it is sent; a stream as such is sent once, whatever happens.
 * Not every browser sends streams; all of them send a Blob, such as a File.
 */
export type ImportBody = string | Blob | ReadableStream<Uint8Array> | (() => Blob | ReadableStream<Uint8Array>)

export interface Condition extends CallOptions {
  /** The version to change, of `versionOf`: if it is another by now, nothing happens and `code` is `precondition_failed`. */
  ifMatch?: string | undefined
}

const importTypes = { csv: 'text/csv', ndjson: 'application/x-ndjson' }
const versions = new WeakMap<Item, string>()

/** The version (ETag) that an item had when `get`, `create` or `update` gave this very object; lists know none. */
export function versionOf(item: Item): string | undefined {
  return versions.get(item)
}

/** Everything that is done with items. */
export function itemMethods(connection: Connection) {
  return {
    ...pageMethods(connection),

    get(id: string, { expand, signal }: CallOptions & { expand?: 'store_manager' } = {}): Promise<Item> {
      const request = { method: 'GET', path: pathOf(id), query: { expand }, isRepeatable: true, signal } as const
      return send(connection, request, asItem)
    },

    /** Creates an item, once, however often it has to be sent: it carries an Idempotency-Key. */
    create: (item: ItemCreate, { key, signal }: CallOptions & { key?: string } = {}): Promise<Item> =>
      send(connection, { method: 'POST', path: '/items', ...keyed(item, key), signal }, asItem),

    /** Changes the fields that are given. With `ifMatch` it is sent again only if nothing can have been done. */
    update(id: string, changes: ItemUpdate, { ifMatch, signal }: Condition = {}): Promise<Item> {
      const body = json(changes, { 'if-match': ifMatch })
      const isRepeatable = ifMatch === undefined
      return send(connection, { method: 'PATCH', path: pathOf(id), ...body, isRepeatable, signal }, asItem)
    },

    async remove(id: string, { ifMatch, signal }: Condition = {}): Promise<void> {
      const headers = { 'if-match': ifMatch }
      const request = { method: 'DELETE', path: pathOf(id), headers, isRepeatable: true, signal } as const
      await send(connection, request, asNothing).catch((error: unknown) => {
        // An earlier attempt whose answer was lost has deleted it.
        const isGone = error instanceof StockroomError && error.code === 'item_not_found' && error.attempts > 1
        if (!isGone) throw error
      })
    },

    /** How many items there are, what they are worth, and what they cost. */
    summary: (query: Filters = {}, { signal }: CallOptions = {}): Promise<ItemSummary> =>
      send(
        connection,
        { method: 'GET', path: '/items/summary', query, isRepeatable: true, signal },
        asJson<ItemSummary>,
      ),

    /** A file of items. Its body is a stream, which fails if the file does not come whole. */
    export: (query: ExportQuery = {}, { signal }: CallOptions = {}): Promise<Response> =>
      send(connection, { method: 'GET', path: '/items/export', query, isRepeatable: true, signal }, asItIs),

    /**
     * Creates or changes the items that a file has.
     *
     * @throws StockroomError, with the code `import_failed` and the bad rows in `errors` if some are and it is not to skip them
     */
    import(file: ImportBody, { format, signal, ...query }: ImportOptions): Promise<ImportReport> {
      const request = {
        method: 'POST',
        path: '/items/import',
        query,
        headers: { 'content-type': importTypes[format] },
        body: typeof file === 'function' ? file : () => file,
        isRepeatable: false,
        isSentOnce: file instanceof ReadableStream,
        signal,
      } as const
      return send(connection, request, asJson<ImportReport>)
    },
  }
}

const pathOf = (id: string) => `/items/${encodeURIComponent(id)}`
const asItIs = (response: Response) => response

async function asItem(response: Response): Promise<Item> {
  const item = await asJson<Item>(response)
  const version = response.headers.get('etag')
  if (version !== null) versions.set(item, version)
  return item
}
