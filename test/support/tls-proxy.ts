import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

import { openAuthority } from './certificates.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'

interface Changes {
  /** Headers of each request, such as another Host. */
  headers?: Record<string, string>
  /** Requests whose path does not begin with it get 404; the others lose it. */
  prefix?: string
}

/** A proxy on localhost that terminates TLS in front of `target`. @returns its port */
export async function openTlsProxy(
  t: Cleanup,
  target: string,
  { headers = {}, prefix = '' }: Changes = {},
): Promise<number> {
  const { cert, key } = (await openAuthority(t)).issue('proxy', 'DNS:shop.example')
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (incoming, outgoing) => {
    const { url = '', method } = incoming
    if (!url.startsWith(`${prefix}/`)) {
      outgoing.writeHead(404).end()
      return
    }
    const forwarded = request(target + url.slice(prefix.length), {
      method,
      headers: { ...incoming.headers, ...headers },
    })
    forwarded.on('response', (response) => {
      if (outgoing.destroyed) {
        response.destroy()
        return
      }
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      pipeline(response, outgoing, () => {})
    })
    pipeline(incoming, forwarded, () => {})
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  closeAfter(t, () => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
