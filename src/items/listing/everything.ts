import type { Readable } from 'node:stream'

import type { Database } from '../../database/database.ts'
import { select } from '../items.ts'
import { jsonObject } from './json.ts'
import { standardPatience, streamRows, type StreamSource } from './stream.ts'

/** Every item as JSON, an object from id to item, the oldest first; with `expand`, each with its owner. @param me the id of the manager who asks */
export function listing(
  source: StreamSource & { db: Database },
  expand: boolean,
  me: string,
  patience = standardPatience,
): Readable {
  const query = select(source.db, expand).orderBy('items.id').compile()
  return streamRows({ ...source, me }, query, jsonObject(expand), patience)
}
