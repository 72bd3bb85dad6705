import { connect } from 'node:net'

import * as fc from 'fast-check'

import { anyOf } from './arbitraries.ts'
import { bytes, splice } from './bodies.ts'
import type { Answer } from './document.ts'

/** Milliseconds. Soon after that the server would tell a client that it has waited long enough. */
const giveUpAfter = 9_000
const hangUpAfter = 40

/**
 * What the server on `port` sends until it closes the connection. If the bytes do not ask for that, the client ends its side after
 * some milliseconds. In `sent` each character is a byte.
 */
export function exchange(port: number, sent: string): Promise<Answer[]> {
  const serverCloses = /^Connection: close\r$/m.test(sent)
  return new Promise((resolve, reject) => {
    const received: Buffer[] = []
    let hangUp: NodeJS.Timeout | undefined
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(sent, 'latin1')
      if (!serverCloses) hangUp = setTimeout(() => socket.end(), hangUpAfter)
    })
    const giveUp = setTimeout(() => socket.destroy(new Error('the server left the connection open')), giveUpAfter)
    socket.on('data', (chunk) => received.push(Buffer.from(chunk)))
    // A server that refuses what is still being sent may reset the connection.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('close', () => {
      clearTimeout(hangUp)
      clearTimeout(giveUp)
      resolve(readResponses(Buffer.concat(received).toString('latin1')))
    })
  })
}

const line = 'POST /store-managers HTTP/1.1'
const host = 'Content-Type: application/json\r\nHost: localhost'
const item = '{"name":"x"}'
const second = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Bytes that are almost HTTP, each as a character. */
export const badRequests: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(bytes, anyOf('|\r\n\r\n')).map(([noise, end]) => noise.toString('latin1') + end),
  fc.integer({ min: 16_400, max: 60_000 }).map((length) => message([line, host, `X: ${'a'.repeat(length)}`])),
  fc.integer({ min: 16_400, max: 60_000 }).map((length) => message([`GET /${'a'.repeat(length)} HTTP/1.1`, host])),
  fc.integer({ min: 3_000, max: 6_000 }).map((count) => message([line, host, ...Array<string>(count).fill('a: b')])),
  fc
    .tuple(fc.nat({ max: 99 }), fc.nat({ max: 99 }))
    .map((lengths) => message([line, host, ...lengths.map(sized)], item)),
  anyOf('chunked|gzip, chunked| chunked|CHUNKED').map((coding) =>
    message([line, host, `Transfer-Encoding: ${coding}`, sized(4)], `0\r\n\r\n${second}`),
  ),
  anyOf('xchunked|gzip|identity|chunked, gzip|chunked, chunked|').map((coding) =>
    message([line, host, `Transfer-Encoding: ${coding}`], `0\r\n\r\n${second}`),
  ),
  anyOf('zz|-1|+1|0x1|1 1|ffffffffffffffffff|| |1;\n|1;a=\x01|2\r\nabc|1\r\nab').map((size) =>
    message([line, host, 'Transfer-Encoding: chunked'], `${size}\r\n{}\r\n0\r\n\r\n`),
  ),
  anyOf('-1|+1|0x1|1,1|1 1|a||18446744073709551616|1e1').map((value) =>
    message([line, host, `Content-Length: ${value}`], item),
  ),
  anyOf('Host : localhost| Host: localhost|Host|: a|X\0: a|X: \0|X: a\rb|X: a\n b|Hö: a').map((header) =>
    message([line, host, header]),
  ),
  anyOf('Host: a\r\nHost: b|X: a|Host: a, b').map((headers) => message([line, headers])),
  anyOf('GET /items HTTP/2.0|GET /items HTTP/9|GET /items|get /items HTTP/1.1|PRI * HTTP/2.0|').map((start) =>
    message([start, host]),
  ),
  fc
    .tuple(anyOf('GET|OPTIONS|CONNECT|QUERY'), anyOf('*||items|http://|?|//|/\x80|/%'))
    .map(([method, target]) => message([`${method} ${target} HTTP/1.1`, host])),
  anyOf('100-continue|junk').map((value) => message([line, host, `Expect: ${value}`, sized(2)], '{}')),
  anyOf('websocket|h2c').map((value) => message([line, host, 'Connection: upgrade', `Upgrade: ${value}`])),
  fc.tuple(bytes, fc.nat(), fc.nat({ max: 9 })).map(splicedRequest),
)

function message(head: string[], body = ''): string {
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

function sized(count: number): string {
  return `Content-Length: ${count}`
}

function splicedRequest([octets, at, gone]: [octets: Buffer, at: number, gone: number]): string {
  const whole = message([line, host, sized(item.length)], item)
  return splice([Buffer.from(whole), octets, at, gone]).toString('latin1')
}

/** The responses one after another, without the interim ones (1xx). */
function readResponses(text: string): Answer[] {
  if (text === '') return []
  const end = text.indexOf('\r\n\r\n')
  const [status = '', ...fields] = text.slice(0, end).split('\r\n')
  const statusCode = Number(/^HTTP\/1\.1 (\d{3}) /.exec(status)?.[1])
  if (end < 0 || Number.isNaN(statusCode)) throw new Error(`this is not HTTP: ${text.slice(0, 200)}`)
  const pairs = fields.map((field) => [field.split(': ')[0]?.toLowerCase(), field.split(': ')[1]])
  const headers = Object.fromEntries(pairs) as Record<string, string>
  // Node ends some responses of its own in chunks, without a body.
  const length =
    headers['transfer-encoding'] === 'chunked' ? '0\r\n\r\n'.length : Number(headers['content-length'] ?? 0)
  const start = end + 4
  const after = end + 4 + length
  const body = Buffer.from(text.slice(start, after), 'latin1').toString()
  const rest = readResponses(text.slice(after))
  return statusCode < 200 ? rest : [{ statusCode, headers, body }, ...rest]
}
