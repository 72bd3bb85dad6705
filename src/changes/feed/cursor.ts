/** A place in the feed: after an item in the list of all items, or after a change. */
export interface Cursor {
  /** Which history the positions are of. */
  epoch: string
  phase: 'items' | 'changes'
  position: number
  item: string
  version: number
}

const nil = '00000000-0000-0000-0000-000000000000'
const max = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

export const cursorPattern = '[ic]\\.[0-9a-f]{16}\\.\\d{1,15}\\.[0-9a-f]{32}\\.\\d{1,15}'

/** Before all items; changes follow from the position. */
export function beforeItems(epoch: string, position: number): Cursor {
  return { epoch, phase: 'items', position, item: nil, version: 0 }
}

/** After all changes up to `position`. */
export function afterPosition(epoch: string, position: number): Cursor {
  return { epoch, phase: 'changes', position, item: max, version: 0 }
}

export function encodeCursor({ epoch, phase, position, item, version }: Cursor): string {
  return [phase[0], epoch, position, item.replaceAll('-', ''), version].join('.')
}

/** @param text fits `cursorPattern` */
export function decodeCursor(text: string): Cursor {
  const [phase, epoch = '', position, item = '', version] = text.split('.')
  return {
    epoch,
    phase: phase === 'i' ? 'items' : 'changes',
    position: Number(position),
    item: item.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    version: Number(version),
  }
}

/** Whether changes after `one` include all changes after `other`. */
export function isAtOrBefore(one: Cursor, other: Cursor): boolean {
  if (one.position !== other.position) return one.position < other.position
  if (one.item !== other.item) return one.item < other.item
  return one.version <= other.version
}
