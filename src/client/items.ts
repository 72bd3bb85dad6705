import { StockroomError } from './errors.ts'
import { type Expand, pageMethods } from './pages.ts'
import { asJson, discardBody, asStream, type Read } from './responses.ts'
import type {
  BulkReport,
  BulkRequest as BulkBody,
  ImportReport,
  Item,
  ItemCreate,
  ItemSummary,
  ItemUpdate,
  operations,
} from './schema.ts'
import { isBulkReport, isItem, isReport, isSummary } from './shapes.ts'
import { type CallOptions, type Connection, json, type KeyedCall, keyHeader, send } from './transport.ts'

export type Filters = NonNullable<operations['summarizeItems']['parameters']['query']>
export type ExportQuery = NonNullable<operations['exportItems']['parameters']['query']>
type ImportQuery = NonNullable<operations['importItems']['parameters']['query']>

export interface BulkRequest extends Omit<BulkBody, 'change'> {
  change: 'delete' | Exclude<BulkBody['change'], string>
}

export interface ImportOptions extends ImportQuery, KeyedCall {
  format: 'csv' | 'ndjson'
  /** Encoding of the text, such as `windows-1252`, unless it is UTF-8 or has a byte order mark. */
  charset?: string | undefined
}

/** A function is called for every attempt; a stream is sent once, and not by every browser. All can send a Blob or a File. */
export type ImportBody = string | Blob | ReadableStream<Uint8Array> | (() => Blob | ReadableStream<Uint8Array>)

export interface Condition extends CallOptions {
  /** The version to change, from `versionOf`. If the item has changed since, the `code` is `precondition_failed`. */
  ifMatch?: string | undefined
}

const exportTypes = { csv: 'text/csv', ndjson: 'application/x-ndjson', json: 'application/json' }
const importTypes = { csv: 'text/csv', ndjson: 'application/x-ndjson' }
const versions = new WeakMap<Item, string>()

/** The version (ETag) of an item that `get`, `create`, or `update` returned; of lists, with `expand: ['version']`. */
export function versionOf(item: Item): string | undefined {
  return versions.get(item) ?? (item.version === undefined ? undefined : `"${item.version}"`)
}

export function itemMethods(connection: Connection) {
  const get = (id: string, { expand, signal }: CallOptions & { expand?: Expand } = {}): Promise<Item> => {
    const request = { method: 'GET', path: pathOf(id), query: { expand }, isIdempotent: true, signal } as const
    return send(connection, request, asItem)
  }

  return {
    ...pageMethods(connection),
    get,

    /** Creates an item exactly once, whatever the number of attempts: the request carries an Idempotency-Key. */
    create(item: ItemCreate, { key, signal }: KeyedCall = {}): Promise<Item> {
      const body = json(item, keyHeader(key))
      const request = { method: 'POST', path: '/items', ...body, isIdempotent: true, status: 201, signal } as const
      return send(connection, request, asItem)
    },

    /** Updates the given fields. Without `ifMatch` it does not retry after a lost response: it could undo another change. */
    update(id: string, changes: ItemUpdate, { ifMatch, signal }: Condition = {}): Promise<Item> {
      const body = json(changes, { 'if-match': ifMatch })
      const isIdempotent = ifMatch !== undefined && oneVersion.test(ifMatch)
      const request = { method: 'PATCH', path: pathOf(id), ...body, isIdempotent, signal } as const
      return send(connection, request, asItem).catch((error: unknown) => {
        const current = error instanceof StockroomError && error.attempts > 1 ? error.problem?.current : undefined
        // An earlier attempt made the change, or another client made the same one.
        if (current && isItem(current) && has(current, changes)) return get(id, { signal })
        throw error
      })
    },

    /** Deletes an item. Succeeds as well if it is gone after a lost response. */
    async remove(id: string, { ifMatch, signal }: Condition = {}): Promise<void> {
      const headers = { 'if-match': ifMatch }
      const request = { method: 'DELETE', path: pathOf(id), headers, isIdempotent: true, status: 204, signal } as const
      await send(connection, request, discardBody).catch((error: unknown) => {
        const isGone = error instanceof StockroomError && error.code === 'item_not_found'
        if (!(isGone && error.isAfterLostResponse)) throw error
      })
    },

    /**
     * Changes or deletes many items in one transaction, exactly once: the request carries an Idempotency-Key.
     * @throws StockroomError `bulk_failed` with the items that cannot have their new price in `errors`
     */
    bulk(
      request: BulkRequest,
      { dryRun = false, key, signal }: KeyedCall & { dryRun?: boolean } = {},
    ): Promise<BulkReport> {
      const query = dryRun ? { dry_run: true } : {}
      const sent = {
        method: 'POST',
        path: '/items/bulk',
        query,
        ...json(request, keyHeader(key, dryRun)),
        isIdempotent: true,
        signal,
      } as const
      return send(connection, sent, asJson(isBulkReport))
    },

    /** Counts items, and sums up their value and their prices. */
    summary: (query: Filters = {}, { signal }: CallOptions = {}): Promise<ItemSummary> =>
      send(connection, { method: 'GET', path: '/items/summary', query, isIdempotent: true, signal }, asJson(isSummary)),

    /** Exports items. The body is a stream, which fails if the file is incomplete. Read or cancel it. */
    export: (query: ExportQuery = {}, { signal }: CallOptions = {}): Promise<Response> =>
      send(
        connection,
        { method: 'GET', path: '/items/export', query, isIdempotent: true, signal },
        asStream(exportTypes[query.format ?? 'csv']),
      ),

    /** Imports a file exactly once: the request carries an Idempotency-Key. @throws StockroomError `import_failed` with the invalid rows in `errors`, unless they are skipped */
    import(file: ImportBody, { format, charset, key, signal, ...query }: ImportOptions): Promise<ImportReport> {
      const parameter = charset === undefined ? '' : `; charset=${charset}`
      const request = {
        method: 'POST',
        path: '/items/import',
        query,
        headers: { ...keyHeader(key, query.dry_run), 'content-type': importTypes[format] + parameter },
        body: typeof file === 'function' ? file : () => file,
        isIdempotent: true,
        hasOneShotBody: file instanceof ReadableStream,
        signal,
      } as const
      return send(connection, request, asJson(isReport))
    },
  }
}

const pathOf = (id: string) => `/items/${encodeURIComponent(id)}`

// ETags of the service, also as compressing proxies change them: W/"1", "1-gzip".
const oneVersion = /^(?:W\/)?("\d+(?:-[\w-]{43})?)(?:-{1,2}(?:gzip|br|zstd|deflate))?"$/

const asItem: Read<Item> = async (response, hold) => {
  const item = await asJson(isItem)(response, hold)
  const tag = response.headers.get('etag')
  if (tag !== null) versions.set(item, tag.replace(oneVersion, '$1"'))
  return item
}

function has(item: Item, changes: ItemUpdate): boolean {
  const now: Record<string, unknown> = { ...item }
  return Object.entries(changes).every(([name, value]) => value === null || value === undefined || now[name] === value)
}
