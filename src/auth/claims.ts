import type { JWTHeaderParameters, JWTPayload } from 'jose'

export interface Token {
  sub: string
  jti: string
  exp: number
  issuedAt: number
  /** The number of logouts of all tokens of the manager before it was signed. */
  generation: number
  /** Whether the original service accepts the token, too: it rejects tokens with an audience. */
  worksElsewhere: boolean
}

export const lifetime = 24 * 60 * 60

export const issuer = 'stockroom'
export const audience = 'stockroom'
export const type = 'at+jwt'

/** The last second of the year 9999: PostgreSQL, Redis, and JavaScript can represent every time up to it. */
const latest = 253_402_300_799
const maxGeneration = 2 ** 31 - 1

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function readClaims(claims: JWTPayload, header: JWTHeaderParameters): Token | undefined {
  const { sub, jti, exp, nbf = 0, gen = 0 }: Record<string, unknown> = claims
  if (!isIssuedHere(claims, header) || !isUuid(sub) || !isUuid(jti)) return undefined
  if (!isWithin(exp, latest)) return undefined
  const { iat = Math.max(exp - lifetime, 0) }: Record<string, unknown> = claims
  if (!isWithin(iat, exp) || !isWithin(nbf, exp) || !isWithin(gen, maxGeneration)) {
    return undefined
  }
  const worksElsewhere = claims.aud === undefined
  return { sub: sub.toLowerCase(), jti: jti.toLowerCase(), exp, issuedAt: iat, generation: gen, worksElsewhere }
}

/** Tokens of the original service and of earlier versions lack these claims. */
function isIssuedHere({ iss = issuer, aud = audience }: JWTPayload, { typ = type }: JWTHeaderParameters): boolean {
  const isKnownType = typeof typ === 'string' && /^(?:application\/)?(?:at\+)?jwt$/i.test(typ)
  return isKnownType && iss === issuer && [aud].flat().includes(audience)
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuid.test(value)
}

function isWithin(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max
}
