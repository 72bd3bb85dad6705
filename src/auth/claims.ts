import type { JWTHeaderParameters, JWTPayload } from 'jose'

/** What a token says, checked. */
export interface Token {
  /** The manager it identifies. */
  sub: string
  /** Its own id, by which it is revoked. */
  jti: string
  /** When it ends, in seconds since 1970. */
  exp: number
  /** When it was signed, in seconds since 1970. */
  issuedAt: number
  /** How often all tokens of its manager had been ended when it was signed. */
  generation: number
}

/** Seconds a token lasts. */
export const lifetime = 24 * 60 * 60

/** What tokens say of their origin and purpose. */
export const issuer = 'stockroom'
export const audience = 'stockroom'
export const type = 'at+jwt'

/** The last second of the year 9999: PostgreSQL, Redis, and JavaScript hold every time up to it. */
const latest = 253_402_300_799
/** The greatest integer of the column `token_generation`. */
const maxGeneration = 2 ** 31 - 1

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The token that verified claims describe, or undefined if one of them is missing, of another type, or out of range. */
export function readClaims(claims: JWTPayload, header: JWTHeaderParameters): Token | undefined {
  const { sub, jti, exp, nbf = 0, gen = 0 }: Record<string, unknown> = claims
  if (!isOurs(claims, header) || !isUuid(sub) || !isUuid(jti)) return undefined
  if (!isWithin(exp, latest)) return undefined
  const { iat = Math.max(exp - lifetime, 0) }: Record<string, unknown> = claims
  if (!isWithin(iat, exp) || !isWithin(nbf, exp) || !isWithin(gen, maxGeneration)) {
    return undefined
  }
  return { sub: sub.toLowerCase(), jti: jti.toLowerCase(), exp, issuedAt: iat, generation: gen }
}

/** Tokens of the original service, and of versions before these claims, have none of them. */
function isOurs({ iss = issuer, aud = audience }: JWTPayload, { typ = type }: JWTHeaderParameters): boolean {
  const isKnownType = typeof typ === 'string' && /^(?:application\/)?(?:at\+)?jwt$/i.test(typ)
  return isKnownType && iss === issuer && [aud].flat().includes(audience)
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuid.test(value)
}

function isWithin(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max
}
