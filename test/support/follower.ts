import type { FeedEvent } from '../../src/changes/feed/schemas.ts'

interface CopiedItem {
  version: number
  values: Record<string, unknown>
}

/** A copy of all items, kept by events of the feed, and what was wrong with their order. */
export interface Copy {
  items: Map<string, CopiedItem>
  violations: string[]
  apply(event: FeedEvent): void
}

export function openCopy(): Copy {
  const items = new Map<string, CopiedItem>()
  const violations: string[] = []
  /** When the items had been read, in milliseconds since 1970. */
  let listedAt: number | undefined
  return {
    items,
    violations,
    apply({ item_id: id, kind, version, fields, change }) {
      const item = items.get(id)
      // The changes after `since=beginning` may be in the list of items already.
      if (item !== undefined && version <= item.version) return
      const isNew = kind === 'present' || kind === 'create'
      if (kind !== 'present') listedAt ??= Date.now()
      if (item === undefined && kind === 'update') {
        // An item that was deleted while the items were read is not among them, but its changes follow.
        const isFromListing = change !== undefined && Date.parse(change.at) <= Number(listedAt)
        if (!isFromListing) violations.push(`${id}: version ${version} of an unknown item`)
        return
      }
      if (item !== undefined && (isNew || version !== item.version + 1))
        violations.push(`${id}: ${kind} of version ${version} after ${item.version}`)
      if (kind === 'delete') {
        items.delete(id)
        return
      }
      const changed = Object.entries(fields).map(([name, pair]) => [name, pair[1]])
      items.set(id, { version, values: { ...item?.values, ...Object.fromEntries(changed) } })
    },
  }
}
