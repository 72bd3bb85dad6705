import { createHash, randomBytes } from 'node:crypto'

/** Crockford's base 32 has no letters that look like digits. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

export function newResetCode(): string {
  const text = BigInt(`0x${randomBytes(20).toString('hex')}`)
    .toString(32)
    .padStart(32, '0')
  const code = Array.from(text, (digit) => digits[Number.parseInt(digit, 32)]).join('')
  return code.replaceAll(/.{4}(?=.)/g, '$&-')
}

// Accepts any case, dashes, spaces, and letters that look like digits. A fast hash is enough for 160 random bits.
export function hashResetCode(typed: string): string {
  const code = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  return createHash('sha256').update(code).digest('base64url')
}
