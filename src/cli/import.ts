import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'

import {
  type Client,
  ConnectionError,
  type ImportOptions,
  type ImportReport,
  StockroomError,
} from '../client/client.ts'
import { exitCodes, CliError, fileFailure, usageError } from './errors.ts'
import { importFormats, kindOf, refuseWorkbook } from './formats.ts'
import { changesOf, noRows, summaryOf, reasons, sameNames } from './import-report.ts'
import { print } from './output.ts'
import { noProgress, type Progress, showProgress } from './progress.ts'
import { openRejected } from './rejected.ts'

export interface ImportCommandOptions extends Omit<ImportOptions, 'format' | 'signal'> {
  format?: ImportOptions['format']
  rejected?: string
  json?: boolean
}

export async function importFile(client: Client, file: string, options: ImportCommandOptions): Promise<void> {
  const { json, rejected: rejectedFile, format: given, ...query } = options
  // Some spreadsheets are directories.
  refuseWorkbook(file, given, importFormats)
  const source = await lookAt(file)
  const { format, isGzipped } = kindOf(file, given, importFormats)
  if (rejectedFile !== undefined && !source.isRepeatable)
    throw usageError('--rejected reads the input twice. Pass a file.')
  const rejected = rejectedFile === undefined ? undefined : await openRejected(rejectedFile)

  const progress = json ? noProgress : showProgress({ label: basename(file), total: source.size, unit: 'bytes' })
  let failure: unknown
  const open = () => {
    progress.restart()
    return read(file, isGzipped, progress, (error) => (failure = error))
  }
  const send = (changed: Partial<ImportOptions> = {}) =>
    client.items.import(source.isRepeatable ? open : open(), { ...query, ...changed, format }).catch(reportOf)
  try {
    if (rejected && !query.dry_run) refuseMany(await send({ dry_run: true }), file)
    const result = await send()
    progress.end()
    const kind = { format, charset: query.charset }
    // A file that cannot be read has no rows to fix.
    if (!('code' in result)) await rejected?.write(result, () => read(file, isGzipped, noProgress, () => {}), kind)
    report(result, file, json)
  } catch (error) {
    // The connection broke because the file could not be read.
    if (error instanceof ConnectionError && failure !== undefined) throw sourceFailure(failure, file)
    throw isAboutEmptyFile(error) ? new CliError(`${file} is empty. Nothing was imported.`) : error
  } finally {
    progress.end()
    await rejected?.close()
  }
}

function refuseMany(result: ImportReport, file: string): void {
  if (result.errors_omitted === 0) return
  tellReasons(result, file)
  const rows = result.failed.toLocaleString('en')
  throw new CliError(
    `${rows} invalid rows are too many for --rejected. Nothing was imported. Fix what they have in common.`,
  )
}

function isAboutEmptyFile(error: unknown): boolean {
  if (!(error instanceof StockroomError)) return false
  return error.errors.some((part) => part.type === 'missing' && 'loc' in part && part.loc.length === 1)
}

function reportOf(error: unknown): ImportReport {
  if (error instanceof StockroomError && error.code === 'import_failed') return error.problem as unknown as ImportReport
  throw error
}

async function lookAt(file: string): Promise<{ size?: number; isRepeatable: boolean }> {
  if (file === '-') return { isRepeatable: false }
  const found = await stat(file).catch((error: unknown) => {
    throw fileFailure(error, file)
  })
  if (found.isDirectory()) throw new CliError(`${file} is a directory. Pass a CSV or NDJSON file.`)
  return found.isFile() && found.size > 0 ? { size: found.size, isRepeatable: true } : { isRepeatable: found.isFile() }
}

function read(
  file: string,
  isGzipped: boolean,
  progress: Progress,
  failed: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      progress.add(chunk.length)
      done(null, chunk)
    },
  })
  const source = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 })
  const plain = isGzipped ? createGunzip() : counted
  source.on('error', (error: Error) => {
    failed(error)
    plain.destroy(error)
  })
  source.pipe(counted)
  if (isGzipped) counted.pipe(plain).on('error', (error) => isOfGzip(error) && failed(error))
  return Readable.toWeb(plain) as ReadableStream<Uint8Array>
}

function sourceFailure(error: unknown, file: string): unknown {
  return isOfGzip(error)
    ? new CliError(`${file} is not a complete gzip file. Nothing was imported.`)
    : fileFailure(error, file)
}

function isOfGzip(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code?.startsWith('Z_') ?? false
}

function report(result: ImportReport, file: string, json: boolean | undefined): void {
  if (result.failed > 0) process.exitCode = exitCodes.failed
  if (!json) tellReasons(result, file)
  print({ json }, result, () => [
    ...changesOf(result, file),
    summaryOf(result),
    ...noRows(result),
    ...sameNames(result),
  ])
}

function tellReasons(result: ImportReport, file: string): void {
  for (const line of reasons(result, file)) console.error(line)
}
