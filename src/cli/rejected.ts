import { open, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TextDecoder } from 'node:util'

import type { ImportReport } from '../client/client.ts'
import { CliError, fileFailure, usageError } from './errors.ts'

interface Kind {
  format: 'csv' | 'ndjson'
  /** A byte order mark takes precedence. */
  charset?: string | undefined
}

export interface Rejected {
  /** Copies the header and the rows that the report names. */
  write(report: ImportReport, read: () => ReadableStream<Uint8Array>, kind: Kind): Promise<void>
  close(): Promise<void>
}

/** @throws CliError if the file exists, because its rows may have been fixed and not yet imported */
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

/** A quoted text may continue on the next line. */
async function* csvRows(text: AsyncIterable<string>, lines: Set<number>): AsyncGenerator<string> {
  let number = 0
  let isHeader = true
  let isKept = true
  let isQuoted = false
  let hasTabs = false
  for await (const line of text) {
    // A reported row begins on its line, whatever quotes came before. In a file with tabs, quoted texts contain no tab.
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

/** One character per byte; UTF-16, in which a line feed is two bytes, becomes UTF-8. */
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
