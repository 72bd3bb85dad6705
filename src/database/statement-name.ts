import { createHash } from 'node:crypto'

const names = new Map<string, string>()

/** Derived from the text, because poolers share prepared statements between clients. */
export function statementName(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('base64url').slice(0, 22)
    names.set(text, name)
  }
  return name
}
