import { Readable } from 'node:stream'

import type { App } from '../http/types.ts'
import type { Problem } from '../problems.ts'
import { staleAfter, type TokenCheck } from './token-check.ts'

/** Milliseconds between two checks of the token of an answer that is a stream. */
const checkEvery = 2_000

/** What an answer may have besides its body that tells something of items. */
const revealing = ['link', 'x-next-after', 'x-total-count']

/**
 * Lets no answer to a GET outlive its token, on the routes of `app`, which `authenticate` guards: one that has taken long is
 * sent only if the token has not ended by then, and one that is a stream is broken off soon after it has.
 */
export function endResponsesWithToken(app: App, { checkToken }: TokenCheck): void {
  app.addHook('onSend', async ({ method, token }, reply, payload) => {
    if (method !== 'GET' || reply.statusCode >= 400) return
    if (payload instanceof Readable) return breakOff(payload, () => checkToken(token))
    if (reply.elapsedTime < staleAfter) return
    try {
      await checkToken(token)
    } catch (error) {
      for (const name of revealing) reply.removeHeader(name)
      throw error
    }
  })
}

/** Destroys `stream` soon after `admit` has failed, with the reason. */
function breakOff(stream: Readable, admit: () => Promise<void>): void {
  let failures = 0
  const check = async () => {
    try {
      await admit()
      failures = 0
    } catch (error) {
      failures++
      // A store may be down for a moment, but a token that cannot be checked for longer is as good as ended.
      const isRefused = (error as Problem).code === 'invalid_token'
      if (isRefused || failures > 1) stream.destroy(error as Error)
    }
    if (!stream.destroyed) timer = setTimeout(next, checkEvery)
  }
  const next = () => void check()
  let timer = setTimeout(next, checkEvery)
  stream.once('close', () => clearTimeout(timer))
}
