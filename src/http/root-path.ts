import type { IncomingMessage } from 'node:http'

import type { FastifyRequest } from 'fastify'

import { parseRootPath } from '../root-path.ts'
import type { App } from './types.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The path that a proxy has removed from the URL, such as `/shop`, or nothing. Links to the service begin with it. */
    rootPath: string
  }
}

type Trust = false | ((address: string, hop: number) => boolean)

/** @param configured takes precedence over X-Forwarded-Prefix, which only a trusted proxy may send */
export function openRootPaths(configured: string, isTrusted: Trust): (request: IncomingMessage) => string {
  return ({ headers, socket }) => {
    if (configured !== '') return configured
    const given = headers['x-forwarded-prefix']
    if (typeof given !== 'string' || !isTrusted || !isTrusted(socket.remoteAddress ?? '', 0)) return ''
    return parseRootPath(given) ?? ''
  }
}

export function addRootPaths(app: App, rootPathOf: (request: IncomingMessage) => string): void {
  app.decorateRequest('rootPath', {
    getter(this: FastifyRequest) {
      return rootPathOf(this.raw)
    },
  })
}
