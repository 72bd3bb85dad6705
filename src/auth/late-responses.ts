import { Readable } from 'node:stream'

import type { App } from '../http/types.ts'
import type { Problem } from '../problems.ts'
import { staleAfterMs, type TokenCheck } from './token-check.ts'

const checkIntervalMs = 2_000

const revealing = ['link', 'x-next-after', 'x-total-count']

// Lets no response to GET or HEAD outlive its token: a slow one checks it again, and a stream is aborted soon after the token
// is revoked.
export function endResponsesWithToken(app: App, { checkToken }: Pick<TokenCheck, 'checkToken'>): void {
  app.addHook('onSend', async ({ method, token }, reply, payload) => {
    if (!['GET', 'HEAD'].includes(method) || reply.statusCode >= 400) return
    if (payload instanceof Readable) return abortOnRevocation(payload, () => checkToken(token))
    if (reply.elapsedTime < staleAfterMs) return
    try {
      await checkToken(token)
    } catch (error) {
      for (const name of revealing) reply.removeHeader(name)
      throw error
    }
  })
}

function abortOnRevocation(stream: Readable, checkToken: () => Promise<void>): void {
  let failures = 0
  const check = async () => {
    try {
      await checkToken()
      failures = 0
    } catch (error) {
      failures++
      // A store may be down for a moment, but a token that cannot be checked for longer is treated as revoked.
      const isRefused = (error as Problem).code === 'invalid_token'
      if (isRefused || failures > 1) stream.destroy(error as Error)
    }
    if (!stream.destroyed) timer = setTimeout(next, checkIntervalMs)
  }
  const next = () => void check()
  let timer = setTimeout(next, checkIntervalMs)
  stream.once('close', () => clearTimeout(timer))
}
