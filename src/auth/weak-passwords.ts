import { readFileSync } from 'node:fs'

/** What is tried first of all: of the passwords that leaked most often, those of 8 characters and more, in lower case. */
const common = new Set(readFileSync(new URL('common-passwords.txt', import.meta.url), 'utf8').split('\n'))

/** Why `password`, of whom these are the name and the e-mail address, would be guessed soon; undefined if it would not. */
export function weakness(password: string, { name, email }: { name: string; email: string }): string | undefined {
  const plain = fold(password)
  const [localPart = ''] = email.split('@')
  if (new Set(password).size === 1) return 'must not be one character again and again'
  if ([name, email, localPart].map(fold).includes(plain)) return 'must not be the name or the e-mail address'
  return common.has(plain) ? 'must not be one of the passwords that are used most' : undefined
}

/** Case and spaces make no guess harder. */
function fold(text: string): string {
  return text.toLowerCase().replaceAll(/\s/g, '')
}
