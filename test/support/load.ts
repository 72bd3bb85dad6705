import { once } from 'node:events'
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

import type { Cleanup } from './cleanup.ts'
import { sendRequest, openConnection, type RequestOptions } from './http-client.ts'

export interface Tally {
  /** Requests with the expected response, by method. */
  succeeded: Record<string, number>
  /** What went wrong: another status, or the code of an error. A refused connection ends its client instead. */
  failures: string[]
}

/** Requests with the expected status of each. */
export type Expected = RequestOptions & { status: number }

export function openTally(): Tally {
  return { succeeded: {}, failures: [] }
}

/**
 * Clients that each keep a connection and send requests in a loop, most of them without a pause, until they are refused or `over`.
 * @param tally to be read meanwhile
 */
export async function load(questions: Expected[], over: AbortSignal, tally = openTally()): Promise<Tally> {
  const pauses = Array.from({ length: 24 }, (_, index) => (index < 12 ? 0 : index * 20))
  await Promise.all(pauses.map((pause) => keepAsking(questions, pause, tally, over)))
  return tally
}

/** A proxy that sends requests to backends that say they are ready, and tries another one only if a connection is refused. */
export async function openProxy(
  t: Cleanup,
  backends: string[],
): Promise<{ url: string; backends: string[]; ready: ReadonlySet<string> }> {
  const agent = new Agent({ keepAlive: true })
  const ready = new Set(backends)
  const watch = setInterval(() => {
    for (const backend of backends)
      void isReady(backend).then((is) => (is ? ready.add(backend) : ready.delete(backend)))
  }, 50)
  let turn = 0

  const forward = async ({ method = 'GET', url, headers }: IncomingMessage, body: Buffer, response: ServerResponse) => {
    const { connection: _, ...others } = headers
    await seeClosed()
    for (let tries = 0; tries < 5; tries++) {
      const choice = backends.filter((backend) => ready.has(backend))
      const backend = choice[turn++ % choice.length] ?? backends[turn % backends.length]
      try {
        const answer = await responseTo(request(`${backend}${url}`, { agent, method, headers: others }).end(body))
        response.writeHead(answer.statusCode ?? 0)
        return await pipeline(answer, response)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') break
        ready.delete(String(backend))
      }
    }
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end()
  }
  // Longer than a busy machine keeps this process from running: it would close connections that are in use.
  const server = createServer({ keepAliveTimeout: 60_000 }, (asked, response) => {
    void buffer(asked).then((body) => forward(asked, body, response))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    clearInterval(watch)
    agent.destroy()
    return end(server)
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, backends, ready }
}

async function keepAsking(questions: Expected[], pause: number, tally: Tally, over: AbortSignal): Promise<void> {
  const agent = openConnection()
  for (let turn = 0; !over.aborted; turn++) {
    const question = questions[turn % questions.length]
    if (question === undefined) break
    const result = await outcome({ ...question, agent })
    if (result === 'ECONNREFUSED') break
    const { method = 'GET', status } = question
    if (result === String(status)) tally.succeeded[method] = (tally.succeeded[method] ?? 0) + 1
    else tally.failures.push(`${method}: ${result}`)
    await sleep(pause)
    await seeClosed()
  }
  agent.destroy()
}

/**
 * Lets kept connections that were closed be dropped: after a pause of the whole process timers come first, and what they sent
 * on such a connection would fail.
 */
function seeClosed(): Promise<void> {
  return setImmediate()
}

/** The status of the response, or the code of the error. */
function outcome(question: RequestOptions): Promise<string> {
  return sendRequest(question).then(
    ({ status }) => String(status),
    ({ code, message }: NodeJS.ErrnoException) => code ?? message,
  )
}

function responseTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => sent.on('response', resolve).on('error', reject))
}

async function isReady(backend: string): Promise<boolean> {
  const answer = await fetch(`${backend}/readyz`, { headers: { connection: 'close' } }).catch(() => undefined)
  return answer?.status === 200
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections()
  await server[Symbol.asyncDispose]()
}
