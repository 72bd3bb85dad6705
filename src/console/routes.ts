import type { FastifyReply, FastifyRequest } from 'fastify'

import type { Context } from '../context.ts'
import { accepts, varyByEncoding } from '../http/compression.ts'
import type { App } from '../http/types.ts'
import { Problem } from '../problems.ts'
import { assetsPath, pagePath, unknownPagePath } from './rewrite.ts'
import { sessionRoutes } from './session.ts'

const contentPolicy = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self'`,
  `connect-src 'self'`,
  `form-action 'none'`,
  `base-uri 'none'`,
  `frame-ancestors 'none'`,
  `require-trusted-types-for 'script'`,
  `trusted-types 'none'`,
].join('; ')

const permissions = [
  'camera',
  'display-capture',
  'geolocation',
  'microphone',
  'payment',
  'publickey-credentials-get',
  'usb',
]

const pageHeaders = {
  'content-security-policy': contentPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': permissions.map((name) => `${name}=()`).join(', '),
  'cache-control': 'no-cache',
}

export function consoleRoutes(app: App, context: Context): void {
  const load = () => context.console.load()

  const sendPage = async ({ headers, rootPath }: FastifyRequest, reply: FastifyReply) => {
    const { html, etag } = (await load()).page(`${rootPath}${pagePath}/`)
    reply.headers({ ...pageHeaders, etag })
    if (headers['if-none-match']?.includes(etag)) return reply.code(304).send()
    return reply.type('text/html; charset=utf-8').send(html)
  }
  app.get(pagePath, { schema: { hide: true } }, sendPage)
  app.get(unknownPagePath, { schema: { hide: true } }, (request, reply) => sendPage(request, reply.code(404)))

  app.get<{ Params: { name: string } }>(`${assetsPath}/:name`, { schema: { hide: true } }, async (request, reply) => {
    const asset = (await load()).files.get(request.params.name)
    if (!asset) throw new Problem('not_found', 'The console has no file of this name.')
    varyByEncoding(reply)
    reply.type(asset.type).header('cache-control', 'public, max-age=31536000, immutable')
    for (const [coding, body] of [
      ['br', asset.br],
      ['gzip', asset.gzip],
    ] as const) {
      if (accepts(coding, request.headers['accept-encoding']))
        return reply.header('content-encoding', coding).send(body)
    }
    return reply.send(asset.plain)
  })
  sessionRoutes(app, context)
}
