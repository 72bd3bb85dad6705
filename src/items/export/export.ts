import type { Readable } from 'node:stream'

import type { Database } from '../../database/database.ts'
import { selectItems } from '../items.ts'
import { whereFilters } from '../query/filters.ts'
import { orderBy, parseSort } from '../query/sort.ts'
import { type Reader, defaultTimeouts, streamRows, type StreamSource } from './copy-stream.ts'
import { csv, safeCsv } from './csv.ts'
import { jsonObject, ndjson } from './json.ts'
import type { ExportQuery } from './schemas.ts'

/** Milliseconds. PostgreSQL may have to sort everything before it returns the first row. */
const exportTimeouts = { ...defaultTimeouts, store: 60_000 }

/** @throws Problem invalid_request; later failures break the stream off */
export function exportItems(
  source: StreamSource & { db: Database },
  query: ExportQuery,
  reader: Reader,
  timeouts = exportTimeouts,
): Readable {
  const formats = { csv: query.safe === 'spreadsheet' ? safeCsv : csv, ndjson, json: jsonObject([]) }
  const format = formats[query.format ?? 'csv']
  return streamRows({ ...source, ...reader }, exportQuery(source.db, query, reader.me), format, timeouts)
}

export function exportQuery(db: Database, query: ExportQuery, me: string) {
  const order = parseSort(query.sort ?? 'id')
  return selectItems(db, []).where(whereFilters(query, me)).orderBy(orderBy(order)).compile()
}
