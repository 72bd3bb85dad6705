import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

import type { App } from './fastify.ts'

export interface Listener {
  port: number
  /** Stops listening. Done when all connections have ended. */
  close(): Promise<void>
}

/** The addresses of a host; `localhost` may have two. */
const addressesOf = async (host: string): Promise<string[]> => {
  if (host !== 'localhost') return [host]
  return [...new Set((await lookup(host, { all: true })).map(({ address }) => address))]
}

/**
 * Listens on each address of `host`. Fastify would make a server of its own for the second address of localhost, which had no
 * limits and was not drained; here they all lead to the one of `app`.
 *
 * @throws Error if the first address cannot be listened on; another may be one that this machine does not have
 */
export async function listen(
  app: App,
  { host, port }: { host: string; port: number },
  resolve = addressesOf,
): Promise<Listener> {
  const [first = host, ...others] = await resolve(host)
  await app.listen({ host: first, port })
  const bound = (app.server.address() as AddressInfo).port
  const servers: Server[] = [app.server]
  for (const address of others) {
    // As those of Node's own HTTP server.
    const door = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => app.server.emit('connection', socket))
    app.server.once('close', () => door.close())
    door.listen({ host: address, port: bound })
    await once(door, 'listening').then(
      () => servers.push(door),
      (err: unknown) => app.log.warn({ err, address }, 'one of the addresses of the host cannot be listened on'),
    )
  }
  return {
    port: bound,
    async close() {
      await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
    },
  }
}
