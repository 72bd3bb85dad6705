import { readFileSync } from 'node:fs'

import { normalized } from '../http/unicode.ts'

// The most common leaked passwords of at least 8 characters, folded, one per line. As one text they take 180 KB, not 2 MB.
const common = `\n${readFileSync(new URL('common-passwords.txt', import.meta.url), 'latin1')}`

/** In code points after normalization, which makes ligatures longer and decomposed letters shorter. */
export const minPasswordLength = 8

export function passwordWeakness(
  password: string,
  { name, email }: { name: string; email: string },
): string | undefined {
  const normal = normalized(password, 'NFKC')
  const plain = withoutCaseAndSpaces(normal)
  const [localPart = ''] = email.split('@')
  if (!longEnough.test(normal)) return `must have at least ${minPasswordLength} characters`
  if (oneCharacter.test(normal)) return 'must not be a single repeated character'
  if ([name, email, localPart].map(fold).includes(plain)) return 'must not be the name or the email address'
  return common.includes(`\n${plain}\n`) ? 'is too common' : undefined
}

// Regular expressions, because a body of 64 KiB becomes 360,000 characters, and lists of them took half a second.
const longEnough = new RegExp(`^.{${minPasswordLength}}`, 'su')
const oneCharacter = /^(.)\1*$/su

function fold(text: string): string {
  return withoutCaseAndSpaces(normalized(text, 'NFKC'))
}

/** They make no guess harder, nor do characters that no one sees. */
function withoutCaseAndSpaces(text: string): string {
  return text.toLowerCase().replaceAll(/[\s\p{Cf}]/gu, '')
}
