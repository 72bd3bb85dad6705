import { ConnectionError, StockroomError, UnexpectedResponseError } from './errors.ts'
import { asJson, asStream } from './responses.ts'
import type { FeedEvent } from './schema.ts'
import { isFeedEvent } from './shapes.ts'
import { joinSignals, pause } from './signals.ts'
import { type CallOptions, type Connection, send } from './transport.ts'

export interface FollowQuery {
  /** `now`, `beginning` for all items as they are before the changes that follow, or the `cursor` of an event. */
  since: string
  manager?: string
  kind?: string
  item?: string
}

export interface FollowedEvent extends FeedEvent {
  /** Keep it, to continue after this event. */
  cursor: string
}

/** Milliseconds. The service sends something every 15 seconds. */
const silenceLimit = 45_000
const reconnectDelay = 1_000
const maxDelay = 30_000

/**
 * Iterates over changes without end, and connects again where it was. Throws StockroomError with the code `cursor_expired` if
 * the history after the cursor is gone, and other errors that do not pass.
 */
export async function* follow(
  connection: Connection,
  { since, ...filters }: FollowQuery,
  { signal }: CallOptions,
): AsyncGenerator<FollowedEvent, void, undefined> {
  let cursor = since === 'now' ? await currentCursor(connection, signal) : since
  let failures = 0
  for (;;) {
    try {
      for await (const { id, event } of eventsAfter(connection, { since: cursor, ...filters }, signal)) {
        cursor = id
        failures = 0
        if (event !== undefined) yield { ...event, cursor }
      }
    } catch (error) {
      if (!isTemporary(error) || isAborted(connection, signal)) throw error
      failures++
    }
    const delay = Math.min(maxDelay, reconnectDelay * 2 ** Math.min(failures, 5)) * (0.5 + Math.random() / 2)
    const joined = joinSignals(signal, connection.signal)
    await pause(delay, joined.signal).finally(joined.release)
  }
}

/** A `now` that was sent again after a lost connection would pass by what happened in between. */
function currentCursor(connection: Connection, signal: AbortSignal | undefined): Promise<string> {
  const request = { method: 'GET', path: '/changes/feed', query: { since: 'now' }, isIdempotent: true, signal } as const
  return send(connection, request, async (response, hold) => {
    await asJson(Array.isArray)(response, hold)
    return (
      response.headers.get('x-next-after') ??
      lacks(response, 'the header X-Next-After. Does CORS or a proxy remove it?')
    )
  })
}

interface Block {
  id: string
  /** Undefined in a block that only moves the cursor. */
  event: FeedEvent | undefined
}

async function* eventsAfter(
  connection: Connection,
  query: FollowQuery,
  signal: AbortSignal | undefined,
): AsyncGenerator<Block, void, undefined> {
  const stall = new AbortController()
  const joined = joinSignals(signal, stall.signal)
  let timer: ReturnType<typeof setTimeout> | undefined
  const restart = () => {
    clearTimeout(timer)
    timer = setTimeout(
      () => stall.abort(new ConnectionError('The service has sent nothing for too long.', true)),
      silenceLimit,
    )
  }
  try {
    restart()
    const headers = { accept: 'text/event-stream' }
    const request = {
      method: 'GET',
      path: '/changes/feed',
      query,
      headers,
      isIdempotent: true,
      signal: joined.signal,
    } as const
    const response = await send(connection, request, asStream('text/event-stream'))
    if (response.body !== null) yield* blocksOf(response, response.body, restart)
  } catch (error) {
    throw joined.signal.reason ?? asConnectionError(error)
  } finally {
    clearTimeout(timer)
    stall.abort()
    joined.release()
  }
}

async function* blocksOf(
  response: Response,
  body: ReadableStream<Uint8Array>,
  onChunk: () => void,
): AsyncGenerator<Block, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    onChunk()
    text += decoder.decode(value, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
      )
      const id = fields.get('id')
      if (id !== undefined) yield { id, event: parseEvent(response, fields.get('data')) }
    }
  }
}

function parseEvent(response: Response, data: string | undefined): FeedEvent | undefined {
  if (data === undefined) return undefined
  const event: unknown = JSON.parse(data)
  return isFeedEvent(event) ? event : lacks(response, 'the fields of an event')
}

function lacks(response: Response, what: string): never {
  throw new UnexpectedResponseError(response.status, `a response lacks ${what}`)
}

/** A stream that breaks off fails with a TypeError. */
function asConnectionError(error: unknown): unknown {
  return error instanceof TypeError ? new ConnectionError('The connection broke off.', true, { cause: error }) : error
}

function isTemporary(error: unknown): boolean {
  if (error instanceof StockroomError) return error.status === 429 || error.status >= 502
  return error instanceof ConnectionError
}

function isAborted({ signal: all }: Connection, signal: AbortSignal | undefined): boolean {
  return all?.aborted === true || signal?.aborted === true
}
