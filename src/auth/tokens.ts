import { randomUUID } from 'node:crypto'

import { errors, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'

import { Problem } from '../problems.ts'
import { audience, issuer, lifetime, readClaims, type Token, type } from './claims.ts'

export interface Tokens {
  sign(manager: { id: string; token_generation: number }): Promise<{ token: string; expiresIn: number }>
  /** What the value of an Authorization header says, if it was verified lately. @throws Problem invalid_token if it has expired */
  getCached(authorization: string): Token | undefined
  /** @throws Problem missing_token if the value holds none; invalid_token if it is not one of ours, or has expired */
  verify(authorization: string): Promise<Token>
}

/** Tokens that are remembered as verified, of about half a kilobyte each: jose alone verifies 14,500 a second on a core. */
const cacheSize = 20_000
/** Ours have 370 characters at most; a client may put spaces before them. */
const maxCachedLength = 512

/** JWTs (RFC 7519) signed with `secret` by `algorithm`, HS256, HS384 or HS512; no other algorithm is accepted. */
export function openTokens({ secret, algorithm }: { secret: string; algorithm: string }): Tokens {
  const key = new TextEncoder().encode(secret)

  /** By the whole value of the header, for to find the token in it takes longer than to find the value here. */
  const cache = new LRUCache<string, Token>({ max: cacheSize })

  return {
    async sign({ id, token_generation: generation }) {
      const issuedAt = Math.floor(Date.now() / 1000)
      const token = await new SignJWT(generation > 0 ? { gen: generation } : {})
        .setProtectedHeader({ alg: algorithm, typ: type })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(id)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetime)
        .sign(key)
      return { token, expiresIn: lifetime }
    },

    getCached(authorization) {
      const known = cache.get(authorization)
      if (known !== undefined && known.exp * 1000 <= Date.now()) throw expired()
      return known
    },

    async verify(authorization) {
      const { payload, protectedHeader } = await jwtVerify(bearer(authorization), key, {
        algorithms: [algorithm],
      }).catch((error: unknown) => {
        throw error instanceof errors.JWTExpired ? expired() : invalidToken('The token is invalid.')
      })
      const checked = readClaims(payload, protectedHeader)
      if (checked === undefined) throw invalidToken('The token is invalid.')
      if (authorization.length <= maxCachedLength) cache.set(authorization, checked)
      return checked
    },
  }
}

/** The token in the header. Clients that follow RFC 6749 §7.1 send the `token_type` they were given as its scheme. */
function bearer(authorization: string): string {
  const [, token] = /^(?:Bearer|JWT) +([^\s]+) *$/i.exec(authorization) ?? []
  if (token !== undefined) return token
  throw new Problem('missing_token', 'Missing header: Authorization: Bearer <token>.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** 401 for a token that does not count, or counts no more (RFC 6750 §3.1). */
export function invalidToken(detail: string): Problem {
  return new Problem('invalid_token', detail, {
    headers: { 'www-authenticate': `Bearer error="invalid_token", error_description="${detail}"` },
  })
}

export function expired(): Problem {
  return invalidToken('The token has expired.')
}

export function idleForTooLong(): Problem {
  return invalidToken('The token was idle for too long.')
}

export function loggedOut(): Problem {
  return invalidToken('The token has been revoked.')
}

export function managerDisabled(): Problem {
  return invalidToken('This account is disabled. Ask the operator.')
}

export function managerGone(): Problem {
  return invalidToken('The manager of the token no longer exists.')
}
