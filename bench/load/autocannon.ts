import { readFileSync } from 'node:fs'

import autocannon from 'autocannon'

// Does the same as requests.lua for wrk: same arguments after the URL, same line of JSON at the end.

const [url = '', connections, seconds, targets = '', tokensFile = '', method, order, contentType, body] =
  process.argv.slice(2)

const tokens = readFileSync(tokensFile, 'utf8').split('\n')
const requests = readFileSync(targets, 'utf8')
  .split('\n')
  .map((line) => {
    const [token, path] = line.split(' ')
    const headers = {
      authorization: `Bearer ${tokens[Number(token) - 1]}`,
      ...(body && { 'content-type': contentType }),
    }
    return body ? { path, headers, body } : { path, headers }
  })

let position = 0
const next = () =>
  requests[order === 'random' ? Math.floor(Math.random() * requests.length) : position++ % requests.length]

/** Replaces `{n}` in the body by a new number each time. */
function varied(request: ReturnType<typeof next>) {
  if (request === undefined || !('body' in request)) return request
  return { ...request, body: request.body?.replace('{n}', String(100 + Math.floor(900 * Math.random()))) }
}

const all: number[] = []
const shed: number[] = []
const served: number[] = []
let refused = 0
let withoutRetryAfter = 0

const instance = autocannon(
  {
    url,
    method: method as 'GET',
    connections: Number(connections),
    duration: Number(seconds),
    timeout: 30,
    requests: [
      {
        setupRequest: (request) => ({ ...request, ...varied(next()) }),
        onResponse(status, _body, _context, headers) {
          if (status !== 503) return
          const names = Object.keys(headers ?? {}).map((name) => name.toLowerCase())
          if (!names.includes('retry-after')) withoutRetryAfter++
        },
      },
    ],
  },
  (error, result) => {
    if (error) throw error
    const { duration, errors } = result
    const line = {
      requests: all.length,
      seconds: duration,
      p50: quantile(all, 0.5),
      p99: quantile(all, 0.99),
      refused,
      broken: errors,
      shed: describe(shed),
      served: describe(served),
      withoutRetryAfter,
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  },
)
instance.on('response', (_client, status, _bytes, took) => {
  all.push(took)
  ;(status === 503 ? shed : served).push(took)
  if (status > 399) refused++
})

function describe(times: number[]) {
  return { count: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: quantile(times, 1) }
}

function quantile(times: number[], part: number): number {
  return times.toSorted((one, other) => one - other)[Math.max(1, Math.ceil(times.length * part)) - 1] ?? 0
}
