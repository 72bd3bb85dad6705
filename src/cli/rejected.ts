import { open, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TextDecoder } from 'node:util'

import type { ImportReport } from '../client/client.ts'
import { CliError, fileFailure, usageError } from './errors.ts'

interface Kind {
  format: 'csv' | 'ndjson'
  /** As it was given for the file; that of a byte order mark has precedence. */
  charset?: string | undefined
}

/** A file for the bad rows of an import, so that they can be mended and imported alone. */
export interface Rejected {
  /** Copies the rows that the report names, below the header, as they are in the file that `read` opens. */
  write(report: ImportReport, read: () => ReadableStream<Uint8Array>, kind: Kind): Promise<void>
  /** Without a bad row there is no file. */
  close(): Promise<void>
}

/** @throws Failure if the file exists, for its rows may have been mended and not been imported */
export async function openRejected(file: string): Promise<Rejected> {
  if (/\.gz$/i.test(file)) throw usageError(`${file}: invalid rows are written uncompressed. Remove .gz.`)
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST'
      ? new CliError(`${file} exists. Delete it, or choose another file.`)
      : fileFailure(error, file)
  })
  let isWritten = false
  return {
    async write({ errors }, read, { format, charset }) {
      if (errors.length === 0) return
      isWritten = true
      const lines = new Set(errors.map(({ line }) => line))
      const text = linesIn(read(), charset)
      const rows = format === 'csv' ? csvRows(text, lines) : jsonRows(text, lines)
      await pipeline(Readable.from(rows), handle.createWriteStream({ encoding: 'latin1' })).catch((error: unknown) => {
        throw fileFailure(error, file)
      })
    },
    async close() {
      if (isWritten) return
      await handle.close()
      await rm(file, { force: true })
    },
  }
}

async function* jsonRows(text: AsyncIterable<string>, lines: Set<number>): AsyncGenerator<string> {
  let number = 0
  for await (const line of text) if (lines.has(++number)) yield `${line}\n`
}

/** The header, and the rows that begin in these lines. A text in quotes may go on in the next line. */
async function* csvRows(text: AsyncIterable<string>, lines: Set<number>): AsyncGenerator<string> {
  let number = 0
  let isHeader = true
  let isKept = true
  let isQuoted = false
  let hasTabs = false
  for await (const line of text) {
    // A row that is reported begins there, whatever quotes came before. Between tabs, a text in quotes has none.
    if (lines.has(++number) || (hasTabs && /^(?:[^"\t]|"")*\t/.test(line))) isQuoted = false
    if (!isQuoted) isKept = isHeader || lines.has(number)
    if (isKept) yield `${line}\n`
    if (isHeader) hasTabs = line.includes('\t')
    isQuoted = endsInQuotes(line, isQuoted, hasTabs)
    if (!isQuoted && line.trim() !== '' && !/^(?:\u00ef\u00bb\u00bf)?sep=/i.test(line)) isHeader = false
  }
}

function linesIn(file: ReadableStream<Uint8Array>, charset: string | undefined): AsyncIterable<string> {
  return createInterface({ input: Readable.from(characters(file, charset)), crlfDelay: Infinity })
}

/** Each byte as a character; UTF-16, in which a line feed is two bytes, becomes UTF-8. */
async function* characters(file: ReadableStream<Uint8Array>, given = ''): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined
  let isFirst = true
  for await (const chunk of Readable.fromWeb(file) as AsyncIterable<Buffer>) {
    const declared = given.startsWith('utf-16') ? given : undefined
    const charset = isFirst ? (utf16[chunk.toString('hex', 0, 2)] ?? declared) : undefined
    if (charset !== undefined) decoder = new TextDecoder(charset)
    isFirst = false
    const bytes = decoder ? Buffer.from(decoder.decode(chunk, { stream: true })) : chunk
    yield bytes.toString('latin1')
  }
}

const utf16: Record<string, string> = { fffe: 'utf-16le', feff: 'utf-16be' }

/** Whether the line ends within a text in quotes. Such a text begins with its quote, and a quote in it is doubled. */
function endsInQuotes(line: string, wasQuoted: boolean, hasTabs: boolean): boolean {
  const start = hasTabs ? line.lastIndexOf('\t') + 1 : 0
  let isQuoted = wasQuoted && start === 0
  for (let at = start; at < line.length; at++) {
    if (line[at] !== '"') continue
    if (!isQuoted) isQuoted = at === 0 || /[,;\t\u00bf]/.test(line[at - 1] ?? '')
    else if (line[at + 1] === '"') at++
    else isQuoted = false
  }
  return isQuoted
}
