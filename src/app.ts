import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { fastify, type RawServerDefault } from 'fastify'

import { changeRoutes } from './changes/routes.ts'
import { throttle } from './concurrency/throttle.ts'
import type { Context } from './context.ts'
import { acceptJson, bodyLimit } from './http/body-parsers.ts'
import { trustProxyOption } from './http/client-address.ts'
import { allowOrigins, corsHeaders } from './http/cors.ts'
import { handleClientError, handleError } from './http/error-handler.ts'
import { rejectOtherHosts } from './http/host-header.ts'
import { shedLoad } from './http/load-shedding.ts'
import { openPipeline } from './http/pipelining.ts'
import { identifyRequest, logRequest, logRequests, RequestLog } from './http/request-log.ts'
import { rejectAmbiguousHost, handleMethodNotAllowed, handleNotFound } from './http/routing.ts'
import { addSecurityHeaders } from './http/security-headers.ts'
import { buildSerializer } from './http/serialization.ts'
import type { App } from './http/types.ts'
import { discardUnreadBodies } from './http/unread-bodies.ts'
import { buildValidator } from './http/validation.ts'
import { itemRoutes } from './items/routes.ts'
import { serveHealth } from './lifecycle/health.ts'
import { collectOperations, serveDocument } from './openapi/document.ts'
import { serveProblemPages } from './openapi/problem-pages.ts'
import { serveReferencePage } from './openapi/reference-page.ts'
import { storeManagerRoutes } from './store-managers/routes.ts'

const headersTimeout = 10_000
const requestTimeout = 30_000
const connectionsCheckingInterval = 1_000

const healthLimit = 64
const logIntervalMs = 10_000

export async function buildApp(context: Context): Promise<App> {
  const { config, connections } = context
  const pipeline = openPipeline(
    throttle(logIntervalMs, (closed) =>
      context.log.warn({ closed }, 'closed connections with too many pipelined requests'),
    ),
  )
  const app: App = fastify<RawServerDefault>({
    loggerInstance: context.log,
    logController: new RequestLog(),
    // A logger per request costs more than the checks it saves, so each line carries `reqId` itself.
    childLoggerFactory: (log) => log,
    genReqId: identifyRequest,
    bodyLimit,
    requestTimeout,
    trustProxy: trustProxyOption(config.trustProxy),
    // While it closes, requests on open connections are served as usual.
    return503OnClosing: false,
    // As long as the headers may be, so that the schema rejects a long parameter.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16 * 1024 },
    schemaController: { compilersFactory: { buildValidator, buildSerializer } },
    // Node would respond to a request without Host itself, and not with a problem; `rejectAmbiguousHost` does.
    http: { requireHostHeader: false, headersTimeout, connectionsCheckingInterval },
    // The path cannot be decoded, so no hook has seen the request.
    frameworkErrors(error, request, reply) {
      logRequest(request, reply)
      reply.headers(corsHeaders(config.corsOrigins, request.headers.origin))
      handleError(error, request, reply)
    },
    clientErrorHandler(error, socket) {
      const isTimeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      if (isTimeout && connections.isExempt(socket)) return
      // The error is about the request that is still arriving; if that is complete, about what came after it.
      const respond = () => handleClientError(error, socket, context.log, config.corsOrigins)
      if (pipeline.isServing(socket)) pipeline.afterRequests(socket, respond)
      else respond()
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setErrorHandler(handleError)
  app.decorateRequest('token')
  app.decorateRequest('pendingTokenCheck')
  app.decorateRequest('isActive', false)
  pipeline.serialize(app.server)
  connections.track(app.server)
  logRequests(app)
  addSecurityHeaders(app)
  allowOrigins(app, config.corsOrigins)
  rejectAmbiguousHost(app)
  discardUnreadBodies(app, connections)
  rejectOtherHosts(app, context.config.allowedHosts)
  handleNotFound(app)
  const refuseTheRest = handleMethodNotAllowed(app)
  acceptJson(app)

  await collectOperations(app)
  await app.register(async (probes: App) => {
    shedLoad(probes, healthLimit, connections)
    serveHealth(probes, context.readiness)
  })
  await app.register(async (limited: App) => {
    const activeRequests = shedLoad(limited, config.concurrencyLimit, connections)
    serveDocument(limited)
    serveReferencePage(limited)
    serveProblemPages(limited)
    limited.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/scalar', 307))
    await limited.register(async (scope: App) => storeManagerRoutes(scope, context), { prefix: '/store-managers' })
    await limited.register(async (scope: App) => itemRoutes(scope, context, activeRequests), { prefix: '/items' })
    await limited.register(async (scope: App) => changeRoutes(scope, context))
  })
  refuseTheRest()
  return app
}
