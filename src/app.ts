import type { Socket } from 'node:net'

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { fastify, type RawServerDefault } from 'fastify'

import { feedRoutes, maxFollowers } from './changes/feed/routes.ts'
import { changeRoutes } from './changes/routes.ts'
import { throttle } from './concurrency/throttle.ts'
import { identifyConsoleCalls } from './console/api.ts'
import { rewriteUrl } from './console/rewrite.ts'
import { consoleRoutes } from './console/routes.ts'
import type { Context } from './context.ts'
import { acceptJson, bodyLimit } from './http/body-parsers.ts'
import { trustProxyOption } from './http/client-address.ts'
import { allowOrigins, corsHeaders } from './http/cors.ts'
import { handleClientError, handleError } from './http/error-handler.ts'
import { rejectOtherHosts } from './http/host-header.ts'
import { shedLoad } from './http/load-shedding.ts'
import { openPipeline } from './http/pipelining.ts'
import { identifyRequest, logRequest, logRequests, RequestLog } from './http/request-log.ts'
import { measureRequests } from './http/request-metrics.ts'
import { traceRequests } from './http/request-traces.ts'
import { addRootPaths, openRootPaths } from './http/root-path.ts'
import { rejectAmbiguousHost, handleMethodNotAllowed, handleNotFound } from './http/routing.ts'
import { addSecurityHeaders } from './http/security-headers.ts'
import { buildSerializer } from './http/serialization.ts'
import type { App } from './http/types.ts'
import { discardUnreadBodies, discardUnreadBody } from './http/unread-bodies.ts'
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
  const trustProxy = trustProxyOption(config.trustProxy)
  const rootPathOf = openRootPaths(config.rootPath, trustProxy)
  const app: App = fastify<RawServerDefault>({
    loggerInstance: context.log,
    logController: new RequestLog(),
    // A logger per request costs more than the checks it saves, so each line carries `reqId` itself.
    childLoggerFactory: (log) => log,
    genReqId: identifyRequest,
    rewriteUrl,
    bodyLimit,
    requestTimeout,
    trustProxy,
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
      discardUnreadBody(request, reply, connections)
      // It lacks what is decorated.
      request.rootPath = rootPathOf(request.raw)
      reply.headers(corsHeaders(config.corsOrigins, request.headers.origin))
      handleError(error, request, reply)
    },
    clientErrorHandler(error, socket) {
      const isTimeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      if (isTimeout && connections.isExempt(socket)) return
      // The error is about the request that is still arriving; if that is complete, about what came after it.
      const respond = () => handleClientError(error, socket, context.log, config)
      if (pipeline.isServing(socket)) pipeline.afterRequests(socket, respond)
      else respond()
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setErrorHandler(handleError)
  addRootPaths(app, rootPathOf)
  app.decorateRequest('token')
  app.decorateRequest('pendingTokenCheck')
  app.decorateRequest('isActive', false)
  pipeline.serialize(app.server)
  connections.track(app.server)
  // Node has let go of the socket, so nothing else handles its errors.
  app.server.on('connect', ({ method }, socket: Socket) => {
    socket.on('error', () => socket.destroy())
    const error = Object.assign(new Error('This is no proxy.'), { code: 'CONNECT', method })
    pipeline.afterRequests(socket, () => handleClientError(error, socket, context.log, config))
  })
  measureRequests(app, context.metrics)
  traceRequests(app, context.tracer)
  logRequests(app)
  addSecurityHeaders(app)
  // Before CORS, which responds to preflights.
  identifyConsoleCalls(app)
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
    consoleRoutes(limited, context)
    limited.get('/', { schema: { hide: true } }, ({ rootPath }, reply) => reply.redirect(`${rootPath}/scalar`, 307))
    await limited.register(async (scope: App) => storeManagerRoutes(scope, context), { prefix: '/store-managers' })
    await limited.register(async (scope: App) => itemRoutes(scope, context, activeRequests), { prefix: '/items' })
    await limited.register(async (scope: App) => changeRoutes(scope, context))
  })
  await app.register(async (scope: App) => {
    shedLoad(scope, maxFollowers, connections)
    feedRoutes(scope, context)
  })
  refuseTheRest()
  return app
}
