import { domainToASCII, domainToUnicode } from 'node:url'

import { normalized } from './unicode.ts'

// RFC 5321 and RFC 6531, as the email-validator of Python reads them: no quotes, no comments, a domain with a dot.
const atom = /[\w!#$%&'*+\-/=?^`{|}~]|(?=[^\0-\x7f])[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.source
const localPart = new RegExp(`^(?!\\p{M})(?:${atom})+(?:\\.(?:${atom})+)*$`, 'u')
const domainCharacters = /^(?:[a-z0-9.-]|[^\0-\x7f])+$/iu
const encoded = /(?:^|\.)xn--/
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

const maxLocalPart = 64
/** In UTF-16, twice what the schema allows, because characters may be decomposed. */
const longest = 2 * 254

// As stored and looked up: trimmed, in NFC, with the domain in Unicode. Keeps case, because PostgreSQL folds it.
export function normalizeEmail(given: string): string | undefined {
  const parts = parse(given)
  return parts && `${parts.local}@${parts.domain}`
}

export function storedForms(given: string): string[] {
  const parts = parse(given)
  return parts ? [...new Set([parts.domain, parts.ascii].map((domain) => `${parts.local}@${domain}`))] : [given.trim()]
}

function parse(given: string): { local: string; domain: string; ascii: string } | undefined {
  const trimmed = given.trim()
  if (trimmed.length > longest) return undefined
  const text = normalized(trimmed, 'NFC')
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(at, 0))
  const domain = text.slice(at + 1)
  if (Buffer.byteLength(local) > maxLocalPart || !localPart.test(local) || !domainCharacters.test(domain))
    return undefined
  const ascii = domainToASCII(domain)
  const labels = ascii.split('.')
  if (labels.length < 2 || !labels.every((each) => label.test(each)) || !/[a-z]$/.test(ascii)) return undefined
  const unicode = domainToUnicode(ascii)
  if (encoded.test(unicode)) return undefined
  return { local, domain: unicode === domain.toLowerCase() ? domain : unicode, ascii }
}
