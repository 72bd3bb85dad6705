import { Readable } from 'node:stream'

import { LRUCache } from 'lru-cache'

import { Problem } from '../../problems.ts'
import { encodeCursor } from './cursor.ts'
import type { Feed, Filters, Reader } from './feed.ts'
import type { Batch, Placed } from './read.ts'

/** Milliseconds. */
const heartbeat = 15_000
const reconnectDelay = 1_000
export const batchSize = 100

/** Server-sent events from `first` on, until the client disconnects, its token ends, or the process stops. */
export function eventStream(feed: Feed, first: Batch, filters: Filters, reader: Reader): Readable {
  // The socket has a buffer, so no second one is filled for a client that does not read.
  return Readable.from(write(feed, first, filters, reader), { objectMode: false, highWaterMark: 1 })
}

async function* write(
  feed: Feed,
  batch: Batch,
  filters: Filters,
  reader: Reader,
): AsyncGenerator<Buffer | string, void> {
  using _watch = feed.watch()
  yield `retry: ${reconnectDelay}\n\n`
  let sentAt = performance.now()
  try {
    for (;;) {
      const hasEvents = batch.events.length > 0
      if (hasEvents || performance.now() - sentAt >= heartbeat) {
        // The ID moves a client on whose filters exclude all changes.
        yield hasEvents ? takeEvents(batch) : `: heartbeat\nid: ${encodeCursor(batch.cursor)}\n\n`
        sentAt = performance.now()
      }
      if (batch.isLast) await feed.wait(reader.signal, heartbeat - (performance.now() - sentAt))
      reader.signal.throwIfAborted()
      batch = await feed.read(batch.cursor, { ...filters, limit: batchSize }, reader)
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    // The client connects again, and gets it as a response.
    yield `: ${error.message}\n\n`
  }
}

/** Removes them: the batch is in memory until the client has read them, and then until the next change. */
function takeEvents({ events }: Batch): Buffer {
  return toBytes(events.splice(0))
}

/** For followers at some different places. */
const batches = new LRUCache<Placed, { events: Placed[]; bytes: Buffer }>({ max: 16 })

/** Each batch is in memory once for all followers at its place, also while hundreds of them do not read it. */
export function toBytes(events: Placed[]): Buffer {
  const [first] = events
  const known = first && batches.get(first)
  if (known?.events.length === events.length && known.events.every((placed, at) => placed === events[at]))
    return known.bytes
  const bytes = Buffer.from(events.map(toText).join(''))
  if (first) batches.set(first, { events, bytes })
  return bytes
}

/** Each is written once for all followers: for each of hundreds, an import stopped the service. */
const texts = new WeakMap<Placed, string>()

export function toText(placed: Placed): string {
  const known = texts.get(placed)
  if (known !== undefined) return known
  const text = `id: ${encodeCursor(placed.cursor)}\ndata: ${JSON.stringify(placed.event)}\n\n`
  texts.set(placed, text)
  return text
}
