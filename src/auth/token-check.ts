import { LRUCache } from 'lru-cache'

import { batchReads } from '../concurrency/batching.ts'
import type { Problem } from '../problems.ts'
import type { Token } from './claims.ts'
import type { Revocations } from './revocations.ts'
import { expired } from './tokens.ts'

export interface TokenCheck {
  checkToken: (token: Token) => Promise<void>
  wasJustChecked: (token: Token) => boolean
}

export const staleAfterMs = 1_000

/** A rejected token never becomes valid again, so it is rejected without a query while it is cached. */
const cacheOptions = { max: 10_000, ttl: 10 * 60_000 }

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
      performance.now() - (admittedAt.get(token) ?? -Infinity) < staleAfterMs && !refused.has(token.jti),
  }
}
