import { hash } from 'node:crypto'

import { Problem } from '../problems.ts'
import type { Item } from './schemas.ts'

/** An item as it is stored: its version is 1 at first, and one more after each change. */
export type StoredItem = Item & { version: string }

/**
 * The strong entity tag (RFC 9110 §8.8) of an item's representation. One with its owner has another:
 * that one's name may change while the item does not.
 */
export function etagOf({ version, store_manager: owner }: StoredItem): string {
  return owner === undefined ? `"${version}"` : `"${version}-${hash('sha256', owner.name, 'base64url')}"`
}

/** Whether `ifNoneMatch`, the value of that header, names `tag`, so that the client has the representation (RFC 9110 §13.1.2). */
export function matchesEtag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch === '*' || tagsIn(ifNoneMatch).some((known) => known.replace(/^W\//, '') === tag)
}

/**
 * The versions of which `ifMatch`, the value of that header, lets an item be (RFC 9110 §13.1.1).
 * Undefined: it is of any. A tag of ours counts also in the forms that proxies give it when they compress: W/"1", "1-gzip".
 * If-Match is to compare strongly because a weak tag may name several representations; one of ours names one version.
 *
 * @throws Problem precondition_required if there is no such header and `isRequired`
 */
export function parseIfMatch(ifMatch: string | undefined, isRequired: boolean): string[] | undefined {
  if (ifMatch === undefined && isRequired) {
    throw new Problem('precondition_required', 'If-Match is required. Send the ETag of the item.')
  }
  if (ifMatch === undefined || ifMatch === '*') return undefined
  return tagsIn(ifMatch).flatMap((tag) => etagPattern.exec(tag)?.[1] ?? [])
}

const etagPattern = /^(?:W\/)?"([1-9]\d{0,17})(?:-[\w-]{43})?(?:-{1,2}(?:gzip|br|zstd|deflate))?"$/

function tagsIn(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? []
}
