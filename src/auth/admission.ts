import { LRUCache } from 'lru-cache'

import { coalesce } from '../coalesce.ts'
import type { Problem } from '../problems.ts'
import type { Revocations } from './revocations.ts'
import { expired, type Token } from './tokens.ts'

/** Checks that a token has not ended. Throws at once where that takes no query. @throws Problem invalid_token */
export type Admission = (token: Token) => Promise<void>

/**
 * How many refused tokens are remembered, and for how many milliseconds: they are refused again without a query, because no
 * token that has ended becomes valid again.
 */
const remembered = { max: 10_000, ttl: 10 * 60_000 }

/** Checks the tokens of one turn of the event loop in one query. */
export function openAdmission(revocations: Revocations): Admission {
  const refusalOf = coalesce((tokens: Token[]) => revocations.refusals(tokens), 2)
  const refused = new LRUCache<string, () => Problem>(remembered)
  const check = async (token: Token) => {
    const problem = await refusalOf(token)
    if (!problem) return
    refused.set(token.jti, problem)
    throw problem()
  }
  return (token) => {
    if (token.exp * 1000 <= Date.now()) throw expired()
    const problem = refused.get(token.jti)
    if (problem) throw problem()
    return check(token)
  }
}
