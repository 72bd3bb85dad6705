import { Readable } from 'node:stream'

import { Problem } from '../../problems.ts'
import { encodeCursor } from './cursor.ts'
import type { Feed, Filters, Reader } from './feed.ts'
import type { Batch, Placed } from './read.ts'

/** Milliseconds. */
const heartbeat = 15_000
const reconnectDelay = 1_000
const batchSize = 100

/** Server-sent events from `first` on, until the client disconnects, its token ends, or the process stops. */
export function eventStream(feed: Feed, first: Batch, filters: Filters, reader: Reader): Readable {
  return Readable.from(write(feed, first, filters, reader), { objectMode: false })
}

async function* write(feed: Feed, first: Batch, filters: Filters, reader: Reader): AsyncGenerator<string, void> {
  using _watch = feed.watch()
  yield `retry: ${reconnectDelay}\n\n`
  let { events, cursor, isLast } = first
  let sentAt = performance.now()
  try {
    for (;;) {
      const hasEvents = events.length > 0
      if (hasEvents || performance.now() - sentAt >= heartbeat) {
        // The ID moves a client on whose filters exclude all changes.
        yield hasEvents ? events.map(toText).join('') : `: heartbeat\nid: ${encodeCursor(cursor)}\n\n`
        sentAt = performance.now()
      }
      // They would be in memory until the next change.
      events = []
      if (isLast) await feed.wait(reader.signal, heartbeat - (performance.now() - sentAt))
      reader.signal.throwIfAborted()
      ;({ events, cursor, isLast } = await feed.read(cursor, { ...filters, limit: batchSize }, reader))
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    // The client connects again, and gets it as a response.
    yield `: ${error.message}\n\n`
  }
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
