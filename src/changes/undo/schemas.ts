import { type Static, Type } from 'typebox'

import { exampleItem, Item } from '../../items/schemas.ts'
import { exampleId, Name, ref, strict, Uuid } from '../../openapi/schemas.ts'
import { ChangeSet, ItemChange } from '../schemas.ts'

export const maxListedConflicts = 1_000
export const maxListedChanges = 100

export const UndoQuery = Type.Object(
  {
    dry_run: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Returns what the undo would write, and writes nothing',
        examples: [true],
        'x-filled-in': true,
      }),
    ),
    on_conflict: Type.Optional(
      Type.Unsafe<'stop' | 'skip'>({
        type: 'string',
        enum: ['stop', 'skip'],
        default: 'stop',
        description:
          '`stop`: if any item cannot be restored, nothing is written. `skip`: these items are left as they are',
        examples: ['stop'],
      }),
    ),
  },
  strict,
)
export type UndoQuery = Static<typeof UndoQuery>

const { id, name, category, price_usd, in_stock, store_manager_id } = Item.properties
const version = Type.Integer({ minimum: 1, description: 'The version, as in the ETag', examples: [3] })
const exampleCurrent = { ...exampleItem, version: 3 }

export const UndoConflict = Type.Object(
  {
    item_id: Type.String({ ...Uuid, description: 'The item', examples: [exampleId] }),
    name: Type.String({ ...Name, description: 'Its name after the change', examples: ['Green tea, 100 bags'] }),
    reason: Type.Unsafe<string>({
      type: 'string',
      description:
        '`changed`: the item has changed since. `deleted`: it was deleted since. `exists`: it was deleted, and exists again. ' +
        '`not_owner`: it belongs to another manager. `owner_deleted`: the account of the owner before was deleted. More may follow',
      examples: ['changed'],
    }),
    current: Type.Union(
      [Type.Object({ id, name, category, price_usd, in_stock, store_manager_id, version }), Type.Null()],
      { description: 'The item as it is; null if it does not exist', examples: [exampleCurrent] },
    ),
  },
  {
    $id: 'UndoConflict',
    description: 'An item that cannot be restored',
    examples: [{ item_id: exampleId, name: exampleItem.name, reason: 'changed', current: exampleCurrent }],
  },
)
export type UndoConflict = Static<typeof UndoConflict>

const count = (what: string, example: number) =>
  Type.Integer({ minimum: 0, description: `Number of items ${what}`, examples: [example] })

export const UndoReport = Type.Object(
  {
    dry_run: Type.Boolean({ description: 'Whether this was a dry run, which writes nothing', examples: [false] }),
    change: Type.Union([ref(ChangeSet), Type.Null()], {
      description: 'The new change set; null if nothing was written',
    }),
    created: count('created again', 0),
    updated: count('with their former values', 1),
    deleted: count('deleted, because the set had created them', 0),
    conflicting: count('left as they are (`on_conflict=skip`)', 0),
    changes: Type.Array(ref(ItemChange), {
      maxItems: maxListedChanges,
      description: 'The first 100 changes, by the IDs of the items',
    }),
    conflicts: Type.Array(ref(UndoConflict), {
      maxItems: maxListedConflicts,
      description: 'The first 1,000 items that were left as they are, by their IDs',
    }),
  },
  { $id: 'UndoReport', description: 'The result of an undo, or of its dry run' },
)
export type UndoReport = Static<typeof UndoReport>

export const exampleConflict: UndoConflict = {
  item_id: exampleId,
  name: exampleItem.name,
  reason: 'changed',
  current: exampleCurrent as UndoConflict['current'],
}
