import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Tally {
  answered: number
  /** What went wrong: a status other than 200, or the code of an error. A refused connection ends its client instead. */
  failures: string[]
}

/** Clients that each keep a connection and ask again and again, most of them at once, until they are refused or `over`. */
export async function load(url: string, headers: Record<string, string>, over: AbortSignal): Promise<Tally> {
  const tally: Tally = { answered: 0, failures: [] }
  const pauses = Array.from({ length: 24 }, (_, index) => (index < 12 ? 0 : index * 20))
  await Promise.all(pauses.map((pause) => keepAsking(url, headers, pause, tally, over)))
  return tally
}

/** A proxy that sends requests to backends that say they are ready, and tries another one only if a connection is refused. */
export async function openProxy(t: TestContext, backends: string[]): Promise<{ url: string; backends: string[] }> {
  const agent = new Agent({ keepAlive: true })
  const ready = new Set(backends)
  const watch = setInterval(() => {
    for (const backend of backends)
      void isReady(backend).then((is) => (is ? ready.add(backend) : ready.delete(backend)))
  }, 50)
  let turn = 0

  const forward = ({ url, headers }: IncomingMessage, response: ServerResponse, tries = 4): void => {
    const choice = backends.filter((backend) => ready.has(backend))
    const backend = choice[turn++ % choice.length] ?? backends[turn % backends.length]
    get(`${backend}${url}`, { agent, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0)
      answer.pipe(response)
    }).on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' && tries > 0) forward({ url, headers } as IncomingMessage, response, tries - 1)
      else response.writeHead(502).end()
    })
  }
  const server = createServer((request, response) => forward(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    clearInterval(watch)
    agent.destroy()
    return end(server)
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, backends }
}

async function keepAsking(
  url: string,
  headers: Record<string, string>,
  pause: number,
  tally: Tally,
  over: AbortSignal,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  while (!over.aborted) {
    const result = await status(url, headers, agent)
    if (result === 'ECONNREFUSED') break
    if (result === '200') tally.answered++
    else tally.failures.push(result)
    await sleep(pause)
  }
  agent.destroy()
}

/** The status of the answer, or the code of the error. */
function status(url: string, headers: Record<string, string>, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    get(url, { headers, agent }, (answer) => {
      answer.resume().on('end', () => resolve(String(answer.statusCode)))
      answer.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code} in the answer`))
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

async function isReady(backend: string): Promise<boolean> {
  const answer = await fetch(`${backend}/readyz`, { headers: { connection: 'close' } }).catch(() => undefined)
  return answer?.status === 200
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections()
  await server[Symbol.asyncDispose]()
}
