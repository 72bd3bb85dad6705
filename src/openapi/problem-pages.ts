import type { App } from '../http/types.ts'
import { type Code, Problem, problems } from '../problems.ts'
import { descriptions } from './problem-descriptions.ts'

const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The `type` of a problem links to its page (RFC 9457 §3.1.1). */
export function serveProblemPages(app: App): void {
  app.get<{ Params: { code: string } }>('/problems/:code', { schema: { hide: true } }, async (request, reply) => {
    const { code } = request.params
    if (!isCode(code)) throw new Problem('not_found', 'No error code has this name.')
    reply.headers({ 'content-security-policy': policy, 'cache-control': 'public, max-age=3600' })
    return reply.type('text/html; charset=utf-8').send(page(code))
  })
}

function isCode(name: string): name is Code {
  return Object.hasOwn(problems, name)
}

function page(code: Code): string {
  const [status, title] = problems[code]
  const { meaning, action } = descriptions[code]
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title} – Stockroom</title>
    <style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
  </head>
  <body>
    <h1>${title}</h1>
    <p>HTTP status ${status}, code <code>${code}</code></p>
    <p>${withCode(meaning)}</p>
    <p><strong>What to do:</strong> ${withCode(action)}</p>
  </body>
</html>
`
}

function withCode(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return escaped.replaceAll(/`([^`]*)`/g, '<code>$1</code>')
}
