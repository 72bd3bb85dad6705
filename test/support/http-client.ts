import { Agent, type IncomingHttpHeaders, request } from 'node:http'

export interface ReceivedResponse {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface RequestOptions {
  method?: string
  url: string
  headers?: Record<string, string>
  /** Sent as JSON. */
  body?: object | undefined
  /** Sent as it is, instead of `body`. */
  text?: string
  agent?: Agent | undefined
}

/** Milliseconds. The service itself gives up a store sooner. */
const timeout = 20_000

/** One connection that is kept for one request after the other. */
export function openConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 })
}

/** Sends one request, and never a second time. @throws Error if there is no whole response */
export function sendRequest({
  method = 'GET',
  url,
  headers = {},
  body,
  text: given,
  agent,
}: RequestOptions): Promise<ReceivedResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<ReceivedResponse>()
  const text = given ?? (body && JSON.stringify(body))
  const entity =
    text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
  const asked = request(url, { method, headers: { ...entity, ...headers }, ...(agent && { agent }) }, (answer) => {
    let received = ''
    answer.setEncoding('utf8')
    answer.on('data', (chunk: string) => (received += chunk))
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: received }))
    answer.on('error', reject)
  })
  const timer = setTimeout(() => asked.destroy(new Error(`no response in ${timeout} ms`)), timeout)
  asked.on('error', reject)
  asked.on('close', () => clearTimeout(timer))
  asked.end(text)
  return promise
}

/** Whether the service at `url` takes no connections. */
export function isRefused(url: string): Promise<boolean> {
  return sendRequest({ url: new URL('/healthz', url).href, headers: { connection: 'close' } }).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ECONNREFUSED',
  )
}
