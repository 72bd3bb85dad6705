import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

import type { App } from '../http/types.ts'
import { StartupError } from '../startup-error.ts'

export interface Listener {
  port: number
  close(): Promise<void>
}

const addressesOf = async (host: string): Promise<string[]> => {
  if (host !== 'localhost') return [host]
  return [...new Set((await lookup(host, { all: true })).map(({ address }) => address))]
}

// Fastify would create a second server for the other address of localhost, without limits and draining.
export async function listen(
  app: App,
  { host, port }: { host: string; port: number },
  resolve = addressesOf,
): Promise<Listener> {
  const [first = host, ...others] = await resolve(host)
  await listenQuietly(app, first, port)
  const bound = (app.server.address() as AddressInfo).port
  const servers: Server[] = [app.server]
  for (const address of others) {
    // The options of Node's own HTTP server.
    const secondaryServer = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      app.server.emit('connection', socket),
    )
    app.server.once('close', () => secondaryServer.close())
    secondaryServer.listen({ host: address, port: bound })
    await once(secondaryServer, 'listening').then(
      () => servers.push(secondaryServer),
      (err: unknown) => app.log.warn({ err, address }, 'cannot listen on an address of the host'),
    )
  }
  return {
    port: bound,
    async close() {
      await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
    },
  }
}

/** Suppresses Fastify's log line for each address. */
async function listenQuietly(app: App, host: string, port: number): Promise<void> {
  const { level } = app.log
  app.log.level = 'silent'
  try {
    await app.listen({ host, port })
  } catch (error) {
    throw explainListen(error as NodeJS.ErrnoException, port)
  } finally {
    app.log.level = level
  }
}

function explainListen(error: NodeJS.ErrnoException, port: number): Error {
  const { code = '' } = error
  const say = (message: string) => new StartupError(message, { cause: error })
  if (code === 'EADDRINUSE') return say(`Port ${port} is in use. Set PORT to another one.`)
  if (code === 'EACCES') return say(`This user may not listen on port ${port}. Set PORT to 1024 or higher.`)
  if (/^(ENOTFOUND|EAI_.*|EADDRNOTAVAIL|EINVAL)$/.test(code)) {
    const usual = 'Set HOST=localhost, or HOST=0.0.0.0 for all addresses. Conda shells set HOST themselves.'
    return say(`HOST does not name an address of this machine (${code}). ${usual}`)
  }
  return error
}
