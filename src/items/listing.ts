import { Readable } from 'node:stream'

import type { Database } from '../database/database.ts'
import { isUnavailable, type LendingPool } from '../database/pool.ts'
import type { Gate } from '../gate.ts'
import { Problem, storeUnavailable } from '../problems.ts'
import { select } from './items.ts'

/** Milliseconds in which a reader has to take something, and PostgreSQL has to give something. */
const standardPatience = { reader: 30_000, store: 10_000 }

type Patience = typeof standardPatience

interface Source {
  db: Database
  pool: LendingPool
  gate: Gate
}

/**
 * Every item as JSON, an object from id to item, the oldest first; with `expand`, each with its owner.
 *
 * Nothing is asked before the stream is read, and no more than its reader takes is kept. If it fails halfway it is broken
 * off, so that nobody takes a part for the whole; a reader that takes nothing for 30 seconds is dropped.
 */
export function listing(source: Source, expand: boolean, patience = standardPatience): Readable {
  const drop = () => stream.destroy()
  const stream: Readable = Readable.from(pieces(source, expand, patience, drop), { objectMode: false })
  return stream
}

async function* pieces({ db, pool, gate }: Source, expand: boolean, patience: Patience, drop: () => void) {
  const leave = await gate.enter()
  try {
    const rows = await pool.copyOut(`copy (${select(db, expand).orderBy('items.id').compile().sql}) to stdout`)
    try {
      yield* toJson(rows.setEncoding('utf8'), patience, drop)
    } finally {
      rows.destroy()
    }
  } catch (error) {
    throw error instanceof Problem || !isUnavailable(error) ? error : storeUnavailable('PostgreSQL', error)
  } finally {
    leave()
  }
}

async function* toJson(rows: Readable, patience: Patience, drop: () => void) {
  const storeIsLate = () => rows.destroy(new Error(`PostgreSQL sent nothing for ${patience.store} ms`))
  let [rest, separator] = ['', '{']
  let late = setTimeout(storeIsLate, patience.store)
  try {
    for await (const chunk of rows) {
      clearTimeout(late)
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      let piece = ''
      for (const line of lines) {
        piece += separator + entry(line)
        separator = ','
      }
      late = setTimeout(drop, patience.reader)
      if (piece !== '') yield piece
      clearTimeout(late)
      late = setTimeout(storeIsLate, patience.store)
    }
    yield separator === '{' ? '{}' : '}'
  } finally {
    clearTimeout(late)
  }
}

/** One row in COPY's text format, as a member of the object. */
function entry(line: string): string {
  const [id, name = '', category, price, inStock, managerId, managerName] = line.split('\t')
  const owner = managerName === undefined ? '' : `,"store_manager":{"id":"${managerId}","name":${quote(managerName)}}`
  return (
    `"${id}":{"id":"${id}","name":${quote(name)},"category":"${category}","price_usd":${Number(price)},` +
    `"in_stock":${inStock === 't'},"store_manager_id":"${managerId}"${owner}}`
  )
}

const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** A value in COPY's text format as JSON. */
function quote(value: string): string {
  const text = value.includes('\\')
    ? value.replaceAll(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)
    : value
  return JSON.stringify(text)
}
