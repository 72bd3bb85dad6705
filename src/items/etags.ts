import { hash } from 'node:crypto'

import { Problem } from '../problems.ts'
import type { Item } from './schemas.ts'

/** The version is 1 at first, and grows by one with each change. */
export type StoredItem = Omit<Item, 'version'> & { version: string }

/** With the owner the tag is another one, because the owner's name may change while the item does not. */
export function etagOf({ version }: StoredItem, owner?: Item['store_manager']): string {
  return owner === undefined ? `"${version}"` : `"${version}-${hash('sha256', owner.name, 'base64url')}"`
}

/** RFC 9110 §13.1.2. */
export function matchesEtag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch === '*' || tagsIn(ifNoneMatch).some((known) => known.replace(/^W\//, '') === tag)
}

/**
 * The versions that `ifMatch` allows (RFC 9110 §13.1.1); undefined allows any. Tags count also as proxies that compress mark them:
 * W/"1", "1-gzip". RFC 9110 excludes weak tags because they may name several representations; these name one version.
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
