import type { IncomingMessage } from 'node:http'

export const pagePath = '/console'
export const unknownPagePath = '/console/unknown'
export const sessionPath = '/console/session'
export const assetsPath = '/console/assets'

const uuid = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'

// What the console may call below /console/api, exactly as it is sent: not decoded, and with nothing to normalize. Everything else
// there is 404, above all what hands out tokens.
const calls = oneOf(
  '/items(?:/(?:bulk|import|export|summary))?',
  `/items/${uuid}(?:/changes)?`,
  '/store-managers(?:/(?:me|reset-password))?',
  '/changes(?:/feed)?',
  `/changes/${uuid}(?:/(?:items|undo))?`,
)
const callPrefix = '/console/api'

const pages = oneOf(
  '/console/?',
  `/console/items(?:/(?:new|${uuid}))?`,
  '/console/(?:sign-in|overview|changes|import|account)',
)

const others = /^\/console\/(?:api|session|assets)(?:\/|$)/

const rewritten = new WeakSet<IncomingMessage>()

/** Leads calls of the console to the routes of the API, and each of its pages to the one that shows them all. */
export function rewriteUrl(raw: IncomingMessage): string {
  const { url = '/' } = raw
  if (!url.startsWith(`${pagePath}/`)) return url
  const [path = ''] = /^[^?#]*/.exec(url) ?? []
  const target = targetOf(path, raw)
  return target === undefined ? url : target + url.slice(path.length)
}

/** Whether the path was below /console/api, so that the cookie identifies the caller. */
export function isConsoleCall(raw: IncomingMessage): boolean {
  return rewritten.has(raw)
}

function targetOf(path: string, raw: IncomingMessage): string | undefined {
  if (path.startsWith(`${callPrefix}/`)) {
    const target = path.slice(callPrefix.length)
    if (!calls.test(target)) return undefined
    rewritten.add(raw)
    return target
  }
  if (pages.test(path)) return pagePath
  return !others.test(path) && isNavigation(raw) ? unknownPagePath : undefined
}

function isNavigation({ method, headers: { accept = '' } }: IncomingMessage): boolean {
  return method === 'GET' && accept.includes('text/html')
}

function oneOf(...paths: string[]): RegExp {
  return new RegExp(`^(?:${paths.join('|')})$`)
}
