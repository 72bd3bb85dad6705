import type { IncomingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { TextDecoder } from 'node:util'
import { createGunzip } from 'node:zlib'

import { Problem } from '../../problems.ts'
import { UnreadableFile } from './report.ts'

export interface Coding {
  isGzipped: boolean
  charset: string
}

export const plain: Coding = { isGzipped: false, charset: 'utf-8' }

const charsets: Record<string, string> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  'windows-1252': 'windows-1252',
  cp1252: 'windows-1252',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  'utf-16': 'utf-16le',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
}

/** @throws Problem unsupported_media_type */
export function codingOf({
  'content-encoding': encoding = '',
  'content-type': type = '',
}: IncomingHttpHeaders): Coding {
  const coding = encoding.trim().toLowerCase()
  const isGzipped = coding === 'gzip' || coding === 'x-gzip'
  if (!isGzipped && coding !== '' && coding !== 'identity') {
    const detail = 'The Content-Encoding must be gzip or absent.'
    throw new Problem('unsupported_media_type', detail, { headers: { 'accept-encoding': 'gzip, identity' } })
  }
  const declared = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1] ?? 'utf-8'
  const charset = charsets[declared.toLowerCase()]
  if (charset === undefined) {
    throw new Problem('unsupported_media_type', 'The charset of the file must be utf-8, utf-16, or windows-1252.')
  }
  return { isGzipped, charset }
}

/**
 * @param open takes a signal that is aborted when nothing more is read
 * @param tooLarge makes the error for more than `limit` bytes
 * @throws Problem malformed_body if the body is damaged
 */
export async function* gunzipped(
  open: (ended: AbortSignal) => AsyncGenerator<Buffer>,
  limit: number,
  tooLarge: (limit: number) => Problem,
): AsyncGenerator<Buffer> {
  const ended = new AbortController()
  const gunzip = createGunzip()
  pipeline(open(ended.signal), gunzip).catch(() => {})
  let total = 0
  try {
    for await (const piece of gunzip as AsyncIterable<Buffer>) {
      total += piece.length
      if (total > limit) throw tooLarge(limit)
      yield piece
    }
  } catch (error) {
    throw error instanceof Problem ? error : damaged(error)
  } finally {
    ended.abort(new Problem('malformed_body', 'The rest of the body was not read.'))
  }
}

/** A byte order mark overrides the declared charset. @throws UnreadableFile if the bytes are not text in that charset */
export async function* asUtf8(chunks: AsyncGenerator<Buffer>, declared: string): AsyncGenerator<Buffer> {
  let decoder: TextDecoder | undefined
  let start: Buffer | undefined = Buffer.alloc(0)
  const decode = (bytes?: Buffer): Buffer => {
    try {
      return Buffer.from((decoder as TextDecoder).decode(bytes, { stream: bytes !== undefined }))
    } catch {
      throw unreadable('encoding', `is not in the charset ${decoder?.encoding}: save the file as UTF-8`)
    }
  }
  const begin = (bytes: Buffer): Buffer => {
    const charset = charsetOf(bytes, declared)
    if (charset === 'utf-8') return bytes
    decoder = new TextDecoder(charset, { fatal: true })
    return decode(bytes)
  }

  for await (const chunk of chunks) {
    if (start === undefined) {
      yield decoder ? decode(chunk) : chunk
      continue
    }
    start = Buffer.concat([start, chunk])
    if (start.length < longestMark) continue
    yield begin(start)
    start = undefined
  }
  if (start !== undefined && start.length > 0) yield begin(start)
  if (decoder) yield decode()
}

const longestMark = 4

const signatures = [
  ['504b0304', 'is a spreadsheet workbook or a ZIP file: save it as CSV UTF-8 first'],
  ['d0cf11e0', 'is an Excel workbook: save it as CSV UTF-8 first'],
  ['25504446', 'is a PDF: import its source table as CSV UTF-8'],
  ['1f8b', 'is compressed: send it with Content-Encoding: gzip'],
] as const

function charsetOf(start: Buffer, declared: string): string {
  const hex = start.toString('hex', 0, longestMark)
  if (hex.startsWith('fffe')) return 'utf-16le'
  if (hex.startsWith('feff')) return 'utf-16be'
  const signature = signatures.find(([bytes]) => hex.startsWith(bytes))
  if (signature) throw unreadable('binary', signature[1])
  const isMarked = hex.startsWith('efbbbf') || declared.startsWith('utf-16')
  if (!isMarked && start.subarray(0, longestMark).includes(0)) {
    const utf16 =
      'is UTF-16 without a byte order mark, or binary: save the file as UTF-8, or send it with charset=utf-16le'
    throw unreadable('encoding', utf16)
  }
  return hex.startsWith('efbbbf') ? 'utf-8' : declared
}

function unreadable(type: string, msg: string): UnreadableFile {
  return new UnreadableFile([{ line: 1, column: null, type, msg }])
}

function damaged(cause: unknown): Problem {
  const detail =
    'The body is not valid gzip, or is truncated. Compress the file again, or send it without Content-Encoding.'
  return new Problem('malformed_body', detail, { cause })
}
