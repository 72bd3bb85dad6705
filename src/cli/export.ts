import { basename } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import { createGzip } from 'node:zlib'

import type { Client, ExportQuery } from '../client/client.ts'
import { CliError } from './errors.ts'
import { countRecords, harmless, recognize } from './export-streams.ts'
import { replaceFile } from './files.ts'
import { type SelectionOptions, toQuery } from './filter-options.ts'
import { exportFormats, kindOf } from './formats.ts'
import { print } from './output.ts'
import { amount, noProgress, showProgress } from './progress.ts'
import { visible } from './terminal.ts'

export interface ExportCommandOptions extends SelectionOptions {
  format?: NonNullable<ExportQuery['format']>
  safe?: NonNullable<ExportQuery['safe']>
  force?: boolean
  json?: boolean
}

export async function exportFile(client: Client, file: string, options: ExportCommandOptions, signal: AbortSignal) {
  const { format, isGzipped } = kindOf(file, options.format, exportFormats)
  const query = { ...toQuery(options), format, ...(options.safe && { safe: options.safe }) }
  const isTerminal = file === '-' && process.stdout.isTTY
  const unit = format === 'json' ? 'bytes' : 'items'
  let exported = 0

  const write = async (target: Writable) => {
    const showsProgress = !options.json && !isTerminal
    const total = showsProgress && unit === 'items' ? await countFor(client, toQuery(options)) : undefined
    const response = await client.items.export(query)
    const progress = showsProgress ? showProgress({ label: basename(file), total, unit }) : noProgress
    const count = countRecords(format, (more) => {
      exported += more
      progress.add(more)
    })
    const last = isGzipped ? [createGzip()] : isTerminal ? [harmless()] : []
    const source = Readable.fromWeb(response.body as NodeStream<Uint8Array>)
    try {
      await pipeline([source, recognize(format), count, ...last, target], { signal, end: target !== process.stdout })
    } finally {
      progress.end()
    }
  }

  try {
    if (file === '-') return await write(process.stdout)
    await replaceFile(file, options.force ?? false, write)
  } catch (error) {
    // `fetch` throws a TypeError if the connection breaks.
    throw error instanceof TypeError ? new CliError(`Export interrupted; ${file} was not written.`) : error
  }
  print(options, { file, format }, () => [`Exported ${amount(exported, unit)} to ${visible(file)}.`])
}

/** Counting costs the server time, so it is done only for a person who watches. */
async function countFor(client: Client, query: ExportQuery): Promise<number | undefined> {
  if (!process.stderr.isTTY) return undefined
  return (await client.items.list({ ...query, limit: 1, count: 'exact' })).total
}
