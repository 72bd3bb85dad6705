import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { StartupError } from '../../startup-error.ts'
import { contentType, exposition } from './exposition.ts'
import type { Family } from './metrics.ts'

export interface MetricsServer {
  port: number
  close(): Promise<void>
}

const plain = { 'content-type': 'text/plain' }
const maxConnections = 32
const timeouts = { headersTimeout: 5_000, requestTimeout: 5_000, connectionsCheckingInterval: 1_000 }

/** Serves `/metrics` on a port of its own, so that it is never reachable where the API is. */
export async function serveMetrics(
  { host, port, accepts }: { host: string; port: number; accepts: (host: string) => boolean },
  collect: () => Promise<Family[]>,
): Promise<MetricsServer> {
  const server = createServer(timeouts, (request, response) => {
    const [path] = (request.url ?? '').split('?')
    const isSafe = ['GET', 'HEAD'].includes(request.method ?? '')
    // A page whose name resolves to this machine (DNS rebinding) could read the metrics.
    if (!accepts(request.headers.host ?? ''))
      response.writeHead(421, plain).end('Use localhost, or add this host to ALLOWED_HOSTS\n')
    else if (path !== '/metrics') response.writeHead(404, plain).end('See /metrics\n')
    else if (isSafe) void sendMetrics(response, collect)
    else response.writeHead(405, { ...plain, allow: 'GET, HEAD' }).end('Use GET\n')
  })
  server.maxConnections = maxConnections
  server.listen({ host, port })
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw explain(error, port)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

async function sendMetrics(response: ServerResponse, collect: () => Promise<Family[]>): Promise<void> {
  const text = exposition(await collect())
  response.writeHead(200, { 'content-type': contentType }).end(text)
}

function explain(error: NodeJS.ErrnoException, port: number): Error {
  const { code = '' } = error
  if (code === 'EADDRINUSE') {
    return new StartupError(`Port ${port} is in use. Set METRICS_PORT to another one.`, { cause: error })
  }
  const hint = 'Set METRICS_HOST to an address of this machine, and METRICS_PORT to 1024 or higher.'
  return new StartupError(`Metrics cannot be served (${code}). ${hint}`, { cause: error })
}
