import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** A request whose headers have arrived, and whose body has not. */
export interface SplitRequest {
  /** Sends the body. @returns the response */
  finish(): Promise<{ status: number; body: string }>
}

/** Sends the headers of a request with `body`, and leaves the service the time to check them. */
export async function sendHeaders(
  port: number,
  method: string,
  path: string,
  token: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<SplitRequest> {
  const content = JSON.stringify(body)
  const sent = request({
    port,
    host: '127.0.0.1',
    method,
    path,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(content)),
      ...headers,
    },
  })
  const pending = once(sent, 'response') as Promise<[IncomingMessage]>
  pending.catch(() => {})
  sent.flushHeaders()
  await sleep(150)
  return {
    async finish() {
      sent.end(content)
      const [answer] = await pending
      return { status: answer.statusCode ?? 0, body: await text(answer) }
    },
  }
}
