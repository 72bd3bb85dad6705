import { connect, type Socket } from 'node:net'

import type { Client } from 'pg'

import { onServer, type Stores } from './stores.ts'

/** Downloads a long response as fast as possible and discards it. Times are in milliseconds. */
export interface Download {
  /** Time to the first byte of the body. */
  firstByte: number
  total: number
  bytes: number
  /** Whether the status was 200 and the body complete. */
  complete: boolean
}

/** A minimal GET that does not parse the body. @param encoding for Accept-Encoding, such as gzip */
export function download(
  port: number,
  path: string,
  token: string,
  signal: AbortSignal,
  encoding = 'identity',
): Promise<Download> {
  const { promise, resolve, reject } = Promise.withResolvers<Download>()
  const start = performance.now()
  const result = { firstByte: Number.NaN, total: Number.NaN, bytes: 0, complete: false }
  let head = ''
  let tail = ''
  const read = (size: number, chunk: Uint8Array) => {
    const data = Buffer.from(chunk.buffer, chunk.byteOffset, size)
    if (!head.includes('\r\n\r\n')) head += data.toString('latin1', 0, 4096)
    if (Number.isNaN(result.firstByte) && /\r\n\r\n[^]/.test(head)) result.firstByte = performance.now() - start
    result.bytes += size
    tail = (tail + data.toString('latin1', Math.max(0, size - 16))).slice(-16)
    return true
  }
  const socket = connect({ host: '127.0.0.1', port, onread: { buffer: Buffer.alloc(256 * 1024), callback: read } })
  const abort = () => socket.destroy(new Error('the run ends'))
  signal.addEventListener('abort', abort)
  socket.on('error', reject)
  socket.on('close', () => {
    signal.removeEventListener('abort', abort)
    // The last chunk, or the end of a JSON object if there was a Content-Length.
    const ended = tail.endsWith(/^transfer-encoding: chunked/im.test(head) ? '\r\n0\r\n\r\n' : '}')
    resolve({ ...result, total: performance.now() - start, complete: head.startsWith('HTTP/1.1 200') && ended })
  })
  const headers = [
    `Host: localhost`,
    `Authorization: Bearer ${token}`,
    `Accept-Encoding: ${encoding}`,
    'Connection: close',
  ]
  socket.write(`GET ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
  return promise
}

/** The minimum for a client: the rows in COPY's format. @param options of COPY */
export function copy(stores: Stores, schema: string, options = ''): Promise<{ total: number; bytes: number }> {
  return onServer(stores.postgres, schema, async (client) => {
    const { stream } = (client as Client & { connection: { stream: Socket } }).connection
    // pg would make an object of each row; the lower bound is the bytes alone.
    stream.removeAllListeners('data')
    const sql = 'copy (select id, name, category, price_usd, in_stock, store_manager_id from items) to stdout'
    const statement = `${sql} ${options}`
    const start = performance.now()
    const bytes = await exchange(stream, statement)
    return { total: performance.now() - start, bytes }
  })
}

/** Sends a simple query and counts the bytes until ReadyForQuery. */
function exchange(stream: Socket, sql: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const ready = Buffer.from('Z\0\0\0\u0005I', 'latin1')
  let bytes = 0
  stream.on('error', reject)
  stream.on('close', () => reject(new Error('the connection ended')))
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (chunk.subarray(-ready.length).equals(ready)) resolve(bytes)
  })
  const head = Buffer.from('Q\0\0\0\0')
  head.writeInt32BE(Buffer.byteLength(sql) + 5, 1)
  stream.write(Buffer.concat([head, Buffer.from(`${sql}\0`)]))
  return promise
}
