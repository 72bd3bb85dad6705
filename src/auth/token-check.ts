import { LRUCache } from 'lru-cache'

import { batchReads } from '../concurrency/batching.ts'
import { type Observability, observeBatches } from '../observability/metrics/watch.ts'
import type { Problem } from '../problems.ts'
import type { Token } from './claims.ts'
import type { Revocations } from './revocations.ts'
import { expired } from './tokens.ts'

export interface TokenCheck {
  checkToken: (token: Token) => Promise<void>
  /**
   * Returns the row if `read`, which checks the token in the statement that reads, finds no problem with it.
   *
   * @param asksRedis whether `read` also looks the token up in Redis
   */
  admit: <Row>(token: Token, read: () => Promise<CheckedRow<Row>>, asksRedis: boolean) => Promise<Row | undefined>
  /** Whether Redis was asked about the token within the last second. Never true if another service can revoke the token there. */
  wasJustChecked: (token: Token) => boolean
}

export interface CheckedRow<Row> {
  problem?: (() => Problem) | undefined
  row?: Row | undefined
}

export const staleAfterMs = 1_000

/** A rejected token never becomes valid again, so it is rejected without a query while it is cached. */
const cacheOptions = { max: 10_000, ttl: 10 * 60_000 }

export function openTokenCheck(revocations: Revocations, observability: Observability): TokenCheck {
  const observer = observeBatches(observability, 'token_checks')
  const refusalOf = batchReads((tokens: Token[]) => revocations.findRevoked(tokens), 2, observer)
  const refused = new LRUCache<string, () => Problem>(cacheOptions)
  const admittedAt = new WeakMap<Token, number>()
  const admit: TokenCheck['admit'] = async (token, read, asksRedis) => {
    if (token.exp * 1000 <= Date.now()) throw expired()
    const known = refused.get(token.jti)
    if (known) throw known()
    const begun = performance.now()
    const { problem, row } = await read()
    if (problem) {
      refused.set(token.jti, problem)
      throw problem()
    }
    if (asksRedis) admittedAt.set(token, begun)
    return row
  }
  return {
    checkToken: (token) => admit<never>(token, async () => ({ problem: await refusalOf(token) }), true),

    admit,

    wasJustChecked: (token) =>
      !token.worksElsewhere &&
      performance.now() - (admittedAt.get(token) ?? -Infinity) < staleAfterMs &&
      !refused.has(token.jti),
  }
}
