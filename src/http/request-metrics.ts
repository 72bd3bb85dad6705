import type { RouteOptions } from 'fastify'

import type { Counter, Histogram, Metrics } from '../observability/metrics/metrics.ts'
import { type Code, problems } from '../problems.ts'
import type { App } from './types.ts'

declare module 'fastify' {
  interface FastifyInstance {
    requestMetrics: RequestMetrics
  }
  interface FastifyContextConfig {
    metrics?: RouteMetrics
  }
}

export interface RequestMetrics {
  /** Requests of no route, or with a method that its route does not support. */
  unmatched: RouteMetrics
  problems: Record<Code, Counter>
  events: (event: string) => Counter
  abortedResponses: Counter
  watchActive(read: () => number): void
}

export const clientDisconnected = 499

const bounds = [0.005, 0.025, 0.1, 0.25, 1, 5]
const classes = ['1xx', '2xx', '3xx', '4xx', '5xx', '499']
const ofDisconnected = classes.length - 1

/** Durations are of successful responses only: errors, often quick, would hide slow ones. */
export class RouteMetrics {
  readonly #counts = new Float64Array(classes.length)
  readonly #durations: Histogram

  constructor(metrics: Metrics, method: string, route: string) {
    const labels = { method, route }
    this.#durations = metrics.histogram(
      'http_server_request_duration_seconds',
      'Duration of requests with a successful response.',
      bounds,
      labels,
    )
    metrics.read({ name: 'http_server_requests_total', help: 'Requests by status.', type: 'counter' }, () =>
      classes
        .map((status, at) => ({ labels: { ...labels, status }, value: this.#counts[at] as number }))
        .filter(({ value }) => value > 0),
    )
  }

  record(status: number, ms: number): void {
    ;(this.#counts[status === clientDisconnected ? ofDisconnected : Math.trunc(status / 100) - 1] as number)++
    if (status < 400) this.#durations.observe(ms / 1_000)
  }
}

/** Before any route is added: each gets its place when it is, so that a request looks up no label. */
export function measureRequests(app: App, metrics: Metrics): void {
  const unmatched = new RouteMetrics(metrics, 'other', 'none')
  const routes = new Map<string, RouteMetrics>()
  const routeMetrics = ({ method, url }: RouteOptions): RouteMetrics => {
    if (Array.isArray(method)) return unmatched
    const name = `${method === 'HEAD' ? 'GET' : method} ${url}`
    const known = routes.get(name) ?? new RouteMetrics(metrics, ...(name.split(' ') as [string, string]))
    routes.set(name, known)
    return known
  }
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, metrics: routeMetrics(route) }
  })
  const events = (event: string) => metrics.counter('stockroom_security_events_total', 'Security events.', { event })
  // From 0, because Prometheus does not see the increase of a series that begins with 1.
  for (const event of ['login_succeeded', 'login_failed', 'login_limited']) events(event)
  app.decorate('requestMetrics', {
    unmatched,
    problems: Object.fromEntries(
      Object.keys(problems).map((code) => [code, metrics.counter('stockroom_problems_total', ofProblems, { code })]),
    ) as Record<Code, Counter>,
    events,
    abortedResponses: metrics.counter('stockroom_aborted_responses_total', 'Responses that failed after they began.'),
    watchActive(read) {
      const help = 'Requests in progress; not those whose body is still arriving.'
      metrics.read({ name: 'http_server_active_requests', help, type: 'gauge', merge: 'sum' }, () => [
        { value: read() },
      ])
    },
  })
}

const ofProblems = 'Error responses by code.'
