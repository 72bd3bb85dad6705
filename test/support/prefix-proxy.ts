import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

import { closeAfter, type Cleanup } from './cleanup.ts'

/** A proxy that leads what is below `prefix` to a service, without the prefix. @returns its origin */
export async function openPrefixProxy(t: Cleanup, target: number, prefix: string): Promise<string> {
  const server = createServer((request, response) => {
    const { url = '', method, headers } = request
    if (url !== prefix && !url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end('the proxy has no such path')
      return
    }
    const path = url.slice(prefix.length) || '/'
    const upstream = send({ host: '127.0.0.1', port: target, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    upstream.on('error', () => response.destroy())
    response.on('close', () => upstream.destroy())
    request.pipe(upstream)
  }).listen(0, 'localhost')
  await once(server, 'listening')
  closeAfter(t, () => {
    server.close()
    server.closeAllConnections()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}`
}
