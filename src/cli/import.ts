import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'

import { type Client, type ImportOptions, type ImportReport, StockroomError } from '../client/client.ts'
import { exitCodes, Failure } from './failures.ts'
import { kindOf } from './formats.ts'
import { print, visible } from './output.ts'
import { noProgress, type Progress, showProgress } from './progress.ts'

export interface ImportCommandOptions extends Omit<ImportOptions, 'format' | 'signal'> {
  format?: ImportOptions['format']
  json?: boolean
}

/** Imports a file, or the standard input if it is `-`, and prints what became of it. */
export async function importFile(client: Client, file: string, { json, ...options }: ImportCommandOptions) {
  const { format, isGzipped } = kindOf(file, options.format, ['csv', 'ndjson'])
  const size = file === '-' ? undefined : await sizeOf(file)
  const progress = json ? noProgress : showProgress({ label: basename(file), total: size, unit: 'bytes' })
  const open = () => {
    progress.restart()
    return read(file, isGzipped, progress)
  }
  // What comes through a pipe comes once.
  const sending = client.items.import(file === '-' ? open() : open, { ...options, format })
  const result = await sending.catch(reportOf).finally(() => progress.end())
  report(result, file, json)
}

/** An import that failed says the same as one that did not. */
function reportOf(error: unknown): ImportReport {
  if (error instanceof StockroomError && error.code === 'import_failed') return error.problem as unknown as ImportReport
  throw error
}

async function sizeOf(file: string): Promise<number | undefined> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(error.code === 'ENOENT' ? `There is no file ${file}.` : error.message)
  })
  return size === 0 ? undefined : size
}

function read(file: string, isGzipped: boolean, progress: Progress): ReadableStream<Uint8Array> {
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      progress.add(chunk.length)
      done(null, chunk)
    },
  })
  const source = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 })
  source.on('error', (error) => counted.destroy(error))
  const plain = isGzipped ? source.pipe(counted).pipe(createGunzip()) : source.pipe(counted)
  return Readable.toWeb(plain) as ReadableStream<Uint8Array>
}

function report(result: ImportReport, file: string, json: boolean | undefined): void {
  const { created, updated, unchanged, failed, errors, errors_omitted: omitted } = result
  if (failed > 0) process.exitCode = exitCodes.failed
  if (!json) {
    for (const { line, column, msg } of errors) {
      console.error(`${file}:${line}: ${column === null ? '' : `${visible(column)}: `}${visible(msg)}`)
    }
    if (omitted > 0) console.error(`… and ${omitted} more.`)
  }
  const [some, other, same, bad] = [created, updated, unchanged, failed].map((count) => count.toLocaleString('en'))
  print({ json }, result, () => [
    `Created ${some}, updated ${other}, unchanged ${same}, failed ${bad}.${remark(result)}`,
  ])
}

function remark({ dry_run: isDry, created, updated, failed }: ImportReport): string {
  if (isDry) return ' This was a dry run: nothing was written.'
  return failed > 0 && created + updated === 0 ? ' Nothing was written.' : ''
}
