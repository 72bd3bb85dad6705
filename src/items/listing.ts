import { Readable } from 'node:stream'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

import type { Database } from '../database/database.ts'
import { isUnavailable, type LendingPool } from '../database/pool.ts'
import type { Gate } from '../gate.ts'
import { Problem } from '../problems.ts'
import { select } from './items.ts'

/**
 * Milliseconds that a reader may keep a list waiting for each so many bytes, which anybody takes faster who reads at all, and
 * that PostgreSQL may.
 */
const standardPatience = { reader: 30_000, share: 2 ** 20, store: 10_000 }

type Patience = typeof standardPatience

/**
 * Milliseconds that a list works without looking for other requests, and that it leaves to them after each chunk. Without
 * them a request beside a list took sixty times as long as without it.
 */
const longestTurn = 5
const rest = 5

interface Source {
  db: Database
  pool: LendingPool
  gate: Gate
  /** Whether other requests are at work. */
  isBusy: () => boolean
}

/**
 * Every item as JSON, an object from id to item, the oldest first; with `expand`, each with its owner.
 *
 * Nothing is asked before the stream is read, and no more than its reader takes is kept. If it fails halfway it is broken
 * off, so that nobody takes a part for the whole; a reader that takes less than a mebibyte in 30 seconds is dropped.
 */
export function listing(source: Source, expand: boolean, patience = standardPatience): Readable {
  const drop = () => stream.destroy()
  const stream: Readable = Readable.from(pieces(source, expand, patience, drop), { objectMode: false })
  return stream
}

async function* pieces({ db, pool, gate, isBusy }: Source, expand: boolean, patience: Patience, drop: () => void) {
  const leave = await gate.enter()
  try {
    const rows = await pool.copyOut(`copy (${select(db, expand).orderBy('items.id').compile().sql}) to stdout`)
    try {
      yield* toJson(rows.setEncoding('latin1'), expand, isBusy, patience, drop)
    } finally {
      rows.destroy()
    }
  } catch (error) {
    throw error instanceof Problem || !isUnavailable(error) ? error : pool.unavailable(error)
  } finally {
    leave()
  }
}

async function* toJson(rows: Readable, expand: boolean, isBusy: () => boolean, patience: Patience, drop: () => void) {
  const storeIsLate = () => rows.destroy(new Error(`PostgreSQL sent nothing for ${patience.store} ms`))
  let [cutOff, separator] = ['', '{']
  let turnedAt = performance.now()
  let late = setTimeout(storeIsLate, patience.store)
  let [waited, taken] = [0, 0]
  try {
    for await (const chunk of rows) {
      clearTimeout(late)
      const text = cutOff + String(chunk)
      const end = text.lastIndexOf('\n') + 1
      cutOff = text.slice(end)
      if (end > 0) {
        const piece = Buffer.from(separator + members(text.slice(0, end), expand), 'latin1')
        separator = ','
        const offeredAt = performance.now()
        late = setTimeout(drop, patience.reader - waited)
        yield piece
        clearTimeout(late)
        waited += performance.now() - offeredAt
        taken += piece.length
        if (taken >= patience.share) [waited, taken] = [0, 0]
      }
      late = setTimeout(storeIsLate, patience.store)
      // What comes in the meantime is seen after a turn of the event loop. One after each chunk makes a list a third slower.
      if (performance.now() - turnedAt > longestTurn) {
        await setImmediate()
        turnedAt = performance.now()
      }
      if (isBusy()) await sleep(rest)
    }
    yield Buffer.from(separator === '{' ? '{}' : '}')
  } finally {
    clearTimeout(late)
  }
}

/** Whole rows in COPY's text format as members of the object. Characters stand for bytes, so those of UTF-8 pass as they are. */
function members(rows: string, expand: boolean): string {
  const text = escape(rows)
  let [json, at] = ['', 0]
  // To split the text into lines, and those into columns, takes twice as long.
  const columnUpTo = (end: string) => text.slice(at, (at = text.indexOf(end, at) + 1) - 1)
  while (at < text.length) {
    const id = columnUpTo('\t')
    if (json) json += ','
    json += `"${id}":{"id":"${id}","name":"${columnUpTo('\t')}","category":"${columnUpTo('\t')}"`
    json += `,"price_usd":${shortest(columnUpTo('\t'))},"in_stock":${columnUpTo('\t') === 't'}`
    const managerId = columnUpTo(expand ? '\t' : '\n')
    json += `,"store_manager_id":"${managerId}"`
    json += expand ? `,"store_manager":{"id":"${managerId}","name":"${columnUpTo('\n')}"}}` : '}'
  }
  return json
}

/** COPY escapes as JSON does, but leaves quotes and most control characters alone and has a letter of its own for one. */
function escape(rows: string): string {
  const text = rows.replaceAll('"', '\\"')
  return controls.test(text) ? text.replaceAll(escapedOrControl, escapeOne) : text
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\0-\b\v-\x1f]|\\v/
// oxlint-disable-next-line no-control-regex -- as above
const escapedOrControl = /\\.|[\0-\b\v-\x1f]/g

function escapeOne(found: string): string {
  if (found === '\\v') return String.raw`\u000b`
  return found.startsWith('\\') ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** A number as JSON writes it: the same, unless it is long, or has an end that does not count. */
function shortest(price: string): string {
  return price.length < 8 && !price.endsWith('0') ? price : String(Number(price))
}
