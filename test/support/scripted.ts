import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

export interface Scripted {
  url: string
  /** What has come so far. */
  requests: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[]
}

/** A response, or what breaks the connection: before any response, or in the middle of one. */
export type Line =
  | { status: number; headers?: Record<string, string>; body?: object | string }
  | 'cut'
  | 'cut in the response'

/** A server that gives these responses, one after the other, and then the last one again and again. */
export async function scripted(t: TestContext, lines: Line[]): Promise<Scripted> {
  const requests: Scripted['requests'] = []
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const line = lines[Math.min(requests.length, lines.length - 1)]
    const { method = '', url = '', headers } = request
    requests.push({ method, url, headers, body: await text(request).catch(() => '') })
    if (line === undefined || line === 'cut') {
      request.socket.destroy()
    } else if (line === 'cut in the response') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"', () => request.socket.destroy())
    } else {
      const type = line.status < 400 ? 'application/json' : 'application/problem+json'
      response.writeHead(line.status, { 'content-type': type, ...line.headers })
      response.end(typeof line.body === 'object' ? JSON.stringify(line.body) : line.body)
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** The response for a problem, as the service makes it. */
export function problem(status: number, code: string, headers: Record<string, string> = {}): Line {
  return {
    status,
    headers,
    body: { type: `urn:${code}`, title: code, status, detail: `It is ${code}.`, code, request_id: 'r1' },
  }
}
