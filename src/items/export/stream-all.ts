import type { Readable } from 'node:stream'

import type { Database } from '../../database/database.ts'
import { selectItems } from '../items.ts'
import type { Expansion } from '../schemas.ts'
import { type Reader, defaultTimeouts, streamRows, type StreamSource } from './copy-stream.ts'
import { jsonObject } from './json.ts'

export function listing(
  source: StreamSource & { db: Database },
  expand: readonly Expansion[],
  reader: Reader,
  timeouts = defaultTimeouts,
): Readable {
  const query = selectItems(source.db, expand).orderBy('items.id').compile()
  return streamRows({ ...source, ...reader }, query, jsonObject(expand), timeouts)
}
