import { randomBytes } from 'node:crypto'

import { fastify } from 'fastify'

import { sendShared, shareBody } from '../http/shared-body.ts'
import type { App } from '../http/types.ts'

const scriptPath = '/scalar/scalar.js'

/** The page loads nothing from other hosts. */
export function serveReferencePage(app: App): void {
  // Loaded on demand: the script takes megabytes, and most processes never serve it.
  let loaded: ReturnType<typeof loadScript> | undefined

  app.get('/scalar', { schema: { hide: true } }, async ({ url }, reply) => {
    const nonce = randomBytes(16).toString('base64url')
    reply.headers({ 'content-security-policy': policy(nonce), 'cache-control': 'no-store' })
    return reply.type('text/html; charset=utf-8').send(page(nonce, baseOf(url)))
  })

  app.get(scriptPath, { schema: { hide: true } }, async (request, reply) =>
    sendShared(request, reply, await (loaded ??= loadScript())),
  )
}

/** Relative, because a proxy may serve the page under any path. */
function baseOf(url: string): string {
  return url.split('?')[0]?.endsWith('/') ? '..' : '.'
}

function policy(nonce: string): string {
  return [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    // Scalar sets a style attribute with the number of lines of code, and attributes cannot have a nonce.
    `style-src-attr 'unsafe-inline'`,
    `img-src data:`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ')
}

const configuration = {
  authentication: { preferredSecurityScheme: 'oauth2' },
  defaultOpenAllTags: true,
  documentDownloadType: 'direct',
  orderSchemaPropertiesBy: 'preserve',
  orderRequiredPropertiesFirst: false,
  withDefaultFonts: false,
  telemetry: false,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  persistAuth: false,
}

// Hides what no manager needs in the sign-in form. Only placeholders identify these fields.
const needlessFields = [
  'tr:has([data-placeholder$="/.well-known/oauth-authorization-server"])',
  'tr:has([data-placeholder$="/token"])',
  'tr:has([data-placeholder="12345"])',
  'tr:has([placeholder="XYZ123"])',
  'tr:has([placeholder="XYZ123"]) + tr',
  'tr:has([class*="scopes-accordion"])',
].join()

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#b45309" d="M1 4l7-3 7 3v8l-7 3-7-3z"/></svg>`

/** The first script adds the nonce to style elements, which Scalar omits, and keeps Zod from using eval. */
function page(nonce: string, base: string): string {
  const settings = JSON.stringify({ ...configuration, url: `${base}/openapi.json` })
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta property="csp-nonce" content="${nonce}">
    <title>Stockroom API</title>
    <style nonce="${nonce}">${needlessFields} { display: none !important }</style>
    <link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">
    <script nonce="${nonce}">
      globalThis.__zod_globalConfig = { jitless: true }
      const createElement = document.createElement
      document.createElement = function (...parameters) {
        const element = createElement.apply(this, parameters)
        if (element instanceof HTMLStyleElement) element.nonce = '${nonce}'
        return element
      }
    </script>
  </head>
  <body>
    <div id="app"></div>
    <script nonce="${nonce}" src="${base}${scriptPath}"></script>
    <script nonce="${nonce}">Scalar.createApiReference('#app', ${settings})</script>
  </body>
</html>
`
}

/** Only Scalar's plugin exports the script, and it would serve it with a path and headers of its own. */
async function loadScript() {
  const { default: scalar } = await import('@scalar/fastify-api-reference')
  const app = fastify()
  await app.register(scalar, { routePrefix: '/scalar', configuration: { url: '/openapi.json' } })
  const source = (await app.inject('/scalar/js/scalar.js')).rawPayload
  await app.close()
  return shareBody('text/javascript; charset=utf-8', source)
}
