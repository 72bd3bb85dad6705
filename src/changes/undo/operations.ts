import { operation, signedIn } from '../../openapi/document.ts'
import {
  authenticated,
  keyProblems,
  problemResponses,
  replayed,
  unavailable,
  withBody,
} from '../../openapi/responses.ts'
import { IdempotencyKey, ref } from '../../openapi/schemas.ts'
import { ChangeParams } from '../schemas.ts'
import { exampleConflict, UndoQuery, UndoReport } from './schemas.ts'

export const undoChange = {
  ...operation('undoChange', 'Changes', 'Undo a change set'),
  description:
    'Restores what the set changed, in one transaction: created items are deleted, deleted items are created again with ' +
    'their IDs and owners, and updated fields get their former values. Versions count on. The undo is a change set of its own, ' +
    'which can be undone. An item conflicts if the set is not its last change. By default, only its owner may restore an item; ' +
    'no `If-Match` is required, because the undo itself compares the versions.',
  security: signedIn,
  params: ChangeParams,
  querystring: UndoQuery,
  headers: IdempotencyKey,
  response: {
    200: {
      ...ref(UndoReport),
      description: 'What was restored, and which items were left as they are',
      headers: replayed,
    },
    ...problemResponses(
      [...withBody, ...authenticated, 'not_owner', 'change_not_found', 'undo_conflict', ...keyProblems, ...unavailable],
      { undo_conflict: { conflicting: 1, conflicts: [exampleConflict] } },
    ),
  },
}
