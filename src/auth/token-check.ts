import { LRUCache } from 'lru-cache'

import { batchReads } from '../concurrency/batching.ts'
import type { Problem } from '../problems.ts'
import type { Token } from './claims.ts'
import type { Revocations } from './revocations.ts'
import { expired } from './tokens.ts'

export interface TokenCheck {
  /** Checks that a token has not ended. Throws at once where that takes no query. @throws Problem invalid_token */
  checkToken: (token: Token) => Promise<void>
  /** Whether a check that began within the last second found that the token had not ended. */
  wasJustChecked: (token: Token) => boolean
}

/** Milliseconds after which a check is too old to rely on. */
export const staleAfter = 1_000

/**
 * How many refused tokens are remembered, and for how many milliseconds: they are refused again without a query, because no
 * token that has ended becomes valid again.
 */
const cacheOptions = { max: 10_000, ttl: 10 * 60_000 }

/** Checks the tokens of one turn of the event loop in one query. */
export function openTokenCheck(revocations: Revocations): TokenCheck {
  const refusalOf = batchReads((tokens: Token[]) => revocations.findRevoked(tokens), 2)
  const refused = new LRUCache<string, () => Problem>(cacheOptions)
  const admittedAt = new WeakMap<Token, number>()
  const check = async (token: Token) => {
    const begun = performance.now()
    const problem = await refusalOf(token)
    if (problem) {
      refused.set(token.jti, problem)
      throw problem()
    }
    admittedAt.set(token, begun)
  }
  return {
    checkToken(token) {
      if (token.exp * 1000 <= Date.now()) throw expired()
      const problem = refused.get(token.jti)
      if (problem) throw problem()
      return check(token)
    },

    wasJustChecked: (token) =>
      performance.now() - (admittedAt.get(token) ?? -Infinity) < staleAfter && !refused.has(token.jti),
  }
}
