import { Problem } from '../../problems.ts'
import type { UndoConflict } from './schemas.ts'

export interface ConflictRow {
  item_id: string
  name: string
  reason: string
  id: string | null
  current_name: string
  category: NonNullable<UndoConflict['current']>['category']
  price_usd: number
  in_stock: boolean
  store_manager_id: string
  version: string
}

export function toConflict(row: ConflictRow): UndoConflict {
  const { item_id, name, reason, id, current_name, category, price_usd, in_stock, store_manager_id, version } = row
  const fields = { name: current_name, category, price_usd, in_stock, store_manager_id, version: Number(version) }
  return { item_id, name, reason, current: id === null ? null : { id, ...fields } }
}

export function undoConflict(conflicting: number, conflicts: UndoConflict[]): Problem {
  const items = conflicting === 1 ? '1 item conflicts' : `${conflicting} items conflict`
  const detail = `Nothing was undone: ${items} with what was done since. To undo the rest, send on_conflict=skip.`
  return new Problem('undo_conflict', detail, { members: { conflicting, conflicts } })
}

export function notOwner(count: number): Problem {
  const items = count === 1 ? '1 item belongs' : `${count} items belong`
  return new Problem(
    'not_owner',
    `Nothing was undone: ${items} to other managers. To undo your own, send on_conflict=skip.`,
  )
}
