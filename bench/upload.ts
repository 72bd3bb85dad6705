import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { from as copyFrom } from 'pg-copy-streams'

import { onServer, type Stores } from './stores.ts'

export type Format = 'copy' | 'csv' | 'ndjson' | 'exported'

const categories = ['Grocery', 'Household', 'Electronics', 'Pet']

const lines: Record<Format, (n: number, owner: string) => string> = {
  copy: (n, owner) => `${idOf(n)}\tNew item number ${n}\t${category(n)}\t${price(n)}\t${n % 3 > 0}\t${owner}\n`,
  csv: (n) => `New item number ${n},${category(n)},${price(n)},${n % 3 > 0}\r\n`,
  ndjson: (n) =>
    `{"name":"New item number ${n}","category":"${category(n)}","price_usd":${price(n)},"in_stock":${n % 3 > 0}}\n`,
  exported: (n, owner) => `${idOf(n)},${hostileName(n)},${category(n)},${price(n)},${n % 3 > 0},${owner}\r\n`,
}

const heads: Record<Format, string> = {
  copy: '',
  csv: 'name,category,price_usd,in_stock\r\n',
  ndjson: '',
  exported: 'id,name,category,price_usd,in_stock,store_manager_id\r\n',
}

/** Names that break careless CSV writers, as CSV fields. */
const hostileNames = [
  '"a ""quoted"" name"',
  '"a,b;c\td"',
  '"two\nlines"',
  '"two\r\nlines"',
  '"a\rb"',
  ' blanks around ',
  '=1+1',
  '\\N',
  '\\.',
  "'",
  'a\u2028b',
  'a\u0007b',
  '🍵 é e\u0301',
  'null',
  '"#""#"',
]

function hostileName(n: number): string {
  return hostileNames[n % hostileNames.length] ?? ''
}

/** Writes a file of `rows` new items, the same in each format. */
export async function writeRows(path: string, format: Format, rows: number, owner: string): Promise<void> {
  const file = createWriteStream(path)
  file.write(heads[format])
  for (let n = 1; n <= rows; n += 1_000) {
    const last = Math.min(n + 999, rows)
    let text = ''
    for (let each = n; each <= last; each++) text += lines[format](each, owner)
    if (!file.write(text)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
}

/** Imports a file as fast as possible. @returns milliseconds, NaN if not all `rows` were written */
export async function upload(
  port: number,
  path: string,
  { format, rows, token, query = '' }: { format: Format; rows: number; token: string; query?: string },
): Promise<number> {
  const start = performance.now()
  const sent = request({
    host: '127.0.0.1',
    port,
    path: `/items/import${query}`,
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': format === 'ndjson' ? 'application/x-ndjson' : 'text/csv',
      'content-length': (await stat(path)).size,
    },
  })
  const responded = once(sent, 'response')
  await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), sent)
  const [answer] = await responded
  const chunks: Buffer[] = await answer.toArray()
  const { created, updated, unchanged } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, number>
  return created === rows || updated === rows || unchanged === rows ? performance.now() - start : Number.NaN
}

/** Whether an export of everything equals the file at `path` byte for byte. */
export async function isExported(url: string, token: string, path: string): Promise<boolean> {
  const answer = await fetch(`${url}/items/export?format=csv`, { headers: { authorization: `Bearer ${token}` } })
  const digests = [answer.body ?? [], createReadStream(path)].map(async (bytes) => {
    const digest = createHash('sha256')
    for await (const chunk of bytes as AsyncIterable<Uint8Array>) digest.update(chunk)
    return digest.digest('hex')
  })
  const [exported, file] = await Promise.all(digests)
  return exported === file
}

/** The lower bound: the same rows by COPY into the same table. @returns milliseconds */
export function copyIn(stores: Stores, schema: string, path: string): Promise<number> {
  return onServer(stores.postgres, schema, async (client) => {
    const start = performance.now()
    const sql = 'copy items (id, name, category, price_usd, in_stock, store_manager_id) from stdin'
    await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), client.query(copyFrom(sql)))
    return performance.now() - start
  })
}

/** A rising ID like a UUIDv7, from 2023, that no other item of the benchmark has. */
function idOf(n: number): string {
  const digits = String(n).padStart(8, '0')
  return `0188${digits.slice(0, 4)}-${digits.slice(4)}-7000-8000-000000000000`
}

function category(n: number): string {
  return categories[n % categories.length] ?? ''
}

function price(n: number): number {
  return (n % 100_000) / 100
}
