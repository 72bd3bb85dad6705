import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import { createGzip } from 'node:zlib'

import type { Client, ExportQuery } from '../client/client.ts'
import { Failure } from './failures.ts'
import { kindOf } from './formats.ts'
import { print } from './output.ts'
import { noProgress, type Progress, showProgress } from './progress.ts'
import { type SelectionOptions, toQuery } from './selection.ts'

export interface ExportCommandOptions extends SelectionOptions {
  format?: NonNullable<ExportQuery['format']>
  safe?: NonNullable<ExportQuery['safe']>
  json?: boolean
}

/** Writes items to a file, which is there when it is whole, or to the standard output if it is `-`. */
export async function exportFile(client: Client, file: string, options: ExportCommandOptions, signal: AbortSignal) {
  const { format, isGzipped } = kindOf(file, options.format, ['csv', 'ndjson', 'json'])
  const query = toQuery(options)
  const isWatched = !options.json && !(file === '-' && process.stdout.isTTY)
  const unit = format === 'json' ? 'bytes' : 'items'
  const total = isWatched && unit === 'items' ? await countFor(client, query) : undefined
  const response = await client.items.export({ ...query, format, ...(options.safe && { safe: options.safe }) })
  const progress = isWatched ? showProgress({ label: basename(file), total, unit }) : noProgress
  const counted = counter(progress, format)
  // Made where it is read: one that fails with nobody listening would end the process.
  const source = () => Readable.fromWeb(response.body as NodeStream<Uint8Array>)
  const steps = isGzipped ? [counted, createGzip()] : [counted]
  try {
    if (file === '-') return await pipeline([source(), ...steps, process.stdout], { signal, end: false })
    await writeWhole(file, (target) => pipeline([source(), ...steps, target], { signal }))
  } catch (error) {
    // What `fetch` makes of a connection that breaks.
    throw error instanceof TypeError ? new Failure(`The export was broken off: ${file} is not written.`) : error
  } finally {
    progress.end()
  }
  if (options.json) print(options, { file, format }, () => [])
}

/** Counting costs the server something, so it is asked only for somebody who looks on. */
async function countFor(client: Client, query: ExportQuery): Promise<number | undefined> {
  if (!process.stderr.isTTY) return undefined
  return (await client.items.list({ ...query, limit: 1, count: 'exact' })).total
}

/** Counts the lines of a file that has an item on each; a name with a line feed in it counts twice, which does no harm. */
function counter(progress: Progress, format: string): Transform {
  const ofChunk = format === 'json' ? (chunk: Buffer) => chunk.length : countLines
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      progress.add(ofChunk(chunk))
      done(null, chunk)
    },
    construct(done) {
      // The line with the names of the columns.
      if (format === 'csv') progress.add(-1)
      done()
    },
  })
}

function countLines(chunk: Buffer): number {
  let lines = 0
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
  return lines
}

/** Writes beside the file and puts it in its place at the end, so that a broken download never looks like a whole one. */
async function writeWhole(file: string, write: (target: NodeJS.WritableStream) => Promise<void>): Promise<void> {
  const place = await realpath(file).catch(() => file)
  const isSpecial = await stat(place).then(
    (found) => !found.isFile(),
    () => false,
  )
  const draft = isSpecial ? place : `${place}.${process.pid}.part`
  const handle = await open(draft, isSpecial ? 'w' : 'wx')
  try {
    await write(handle.createWriteStream({ flush: true }))
    if (!isSpecial) await rename(draft, place)
  } catch (error) {
    if (!isSpecial) await rm(draft, { force: true })
    throw error
  }
}
