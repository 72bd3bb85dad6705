import { Transform } from 'node:stream'

import { type ExportQuery, UnexpectedResponseError } from '../client/client.ts'
import { visible } from './terminal.ts'

type Format = NonNullable<ExportQuery['format']>

const sampleBytes = 64

export function recognize(format: Format): Transform {
  let start: Buffer | undefined = Buffer.alloc(0)
  const check = (): Error | null => {
    const isExport = beginnings[format].test(start?.toString() ?? '')
    return isExport ? null : new UnexpectedResponseError(200, `the body is not a valid ${format} export.`)
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (start === undefined) return done(null, chunk)
      start = Buffer.concat([start, chunk])
      if (start.length < sampleBytes) return done()
      const error = check()
      if (error) return done(error)
      done(null, start)
      start = undefined
    },
    flush(done) {
      if (start === undefined) return done()
      const error = check()
      if (error) return done(error)
      done(null, start)
    },
  })
}

// An export for spreadsheets begins with a byte order mark and quotes its texts.
const beginnings: Record<Format, RegExp> = {
  csv: /^\uFEFF?"?id"?,"?name"?,/,
  ndjson: /^(?:$|\{"id":")/,
  json: /^\{(?:\}|"[0-9a-f-]{36}":\{)/,
}

export function countRecords(format: Format, add: (more: number) => void): Transform {
  const quote = format === 'csv' ? '"'.charCodeAt(0) : -1
  let isQuoted = false
  const count = (chunk: Buffer) => {
    let lines = 0
    for (const byte of chunk) {
      if (byte === quote) isQuoted = !isQuoted
      else if (byte === 10 && !isQuoted) lines++
    }
    return lines
  }
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      add(format === 'json' ? chunk.length : count(chunk))
      done(null, chunk)
    },
    construct(done) {
      if (format === 'csv') add(-1)
      done()
    },
  })
}

export function harmless(): Transform {
  const decoder = new TextDecoder()
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, decoder.decode(chunk, { stream: true }).split('\n').map(lineOf).join('\n'))
    },
    flush(done) {
      done(null, lineOf(decoder.decode()))
    },
  })
}

function lineOf(text: string): string {
  const isAtEnd = text.endsWith('\r')
  return visible(isAtEnd ? text.slice(0, -1) : text) + (isAtEnd ? '\r' : '')
}
