import { signal } from '@preact/signals'

export type BulkKind = 'change' | 'delete'

export const openedBulk = signal<BulkKind | undefined>(undefined)

export function openBulk(kind: BulkKind): void {
  openedBulk.value = kind
}
