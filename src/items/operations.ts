import { Type } from 'typebox'

import { operation, signedIn } from '../openapi/document.ts'
import {
  authenticated,
  etagHeader,
  keyProblems,
  problemResponses,
  replayed,
  unavailable,
  withBody,
} from '../openapi/responses.ts'
import { IdempotencyKey, ref, strict } from '../openapi/schemas.ts'
import { BulkQuery, BulkReport, BulkRequest, exampleErrors } from './bulk/schemas.ts'
import { exportResponse, ExportQuery } from './export/schemas.ts'
import { exampleReport, importBody, ImportQuery, ImportReport, zeroCounts } from './import/schemas.ts'
import { ItemSummary, ListQuery, pageHeaders, SummaryQuery } from './query/schemas.ts'
import {
  exampleItem,
  IfMatch,
  IfNoneMatch,
  Item,
  ItemCreate,
  ItemParams,
  ItemQuery,
  Items,
  ItemUpdate,
} from './schemas.ts'

const queryProblems = problemResponses([...authenticated, 'invalid_request', ...unavailable])

const changeProblems = problemResponses(
  [
    ...withBody,
    ...authenticated,
    'not_owner',
    'item_not_found',
    'precondition_failed',
    'precondition_required',
    ...unavailable,
  ],
  { precondition_failed: { current: exampleItem } },
)

const conditional =
  'To write only if the item has not changed since, send as `If-Match` the `ETag` from the response of `createItem`, ' +
  '`getItem`, or `updateItem`. Lists have no ETags; with `expand=version`, version 3 is `"3"`.'

export const createItem = {
  ...operation('createItem', 'Items', 'Create an item'),
  description: 'The caller becomes its owner.',
  security: signedIn,
  headers: IdempotencyKey,
  body: ref(ItemCreate),
  response: {
    201: {
      ...ref(Item),
      description: 'The new item',
      headers: {
        Location: { type: 'string', format: 'uri-reference', description: 'The path of the new item' },
        ...etagHeader,
        ...replayed,
      },
    },
    ...problemResponses([...withBody, ...authenticated, ...keyProblems, ...unavailable]),
  },
}

export const getItem = {
  ...operation('getItem', 'Items', 'Get an item'),
  security: signedIn,
  params: ItemParams,
  querystring: ItemQuery,
  headers: IfNoneMatch,
  response: {
    200: { ...ref(Item), description: 'The item', headers: etagHeader },
    // As null it would have a type.
    304: Type.Unsafe<undefined>({
      type: 'null',
      description: 'The item still has an ETag of `If-None-Match`',
      headers: etagHeader,
    }),
    ...problemResponses([...authenticated, 'item_not_found', 'invalid_request', ...unavailable]),
  },
}

export const updateItem = {
  ...operation('updateItem', 'Items', 'Update an item'),
  description: `Omitted fields keep their values. By default, only its owner may update an item. ${conditional}`,
  security: signedIn,
  params: ItemParams,
  headers: IfMatch,
  body: ref(ItemUpdate),
  response: {
    200: { ...ref(Item), description: 'The item after the update', headers: etagHeader },
    ...changeProblems,
  },
}

export const deleteItem = {
  ...operation('deleteItem', 'Items', 'Delete an item'),
  description: `By default, only its owner may delete an item. ${conditional}`,
  security: signedIn,
  params: ItemParams,
  headers: IfMatch,
  response: { 204: Type.Null({ description: 'Deleted' }), ...changeProblems },
}

export const listItems = {
  ...operation('listItems', 'Items', 'List items'),
  description:
    'Without parameters, or with `expand` alone, the response is a stream of all items, oldest first. Any other parameter ' +
    'returns one page. For the next page, repeat the request with `after` set to `X-Next-After` of the response, or follow ' +
    'the `Link` whose `rel` is `next`; the last page has neither. Pagination is stable under concurrent writes: no item is ' +
    'returned twice, and none is missed, unless the field that it is sorted by changes.',
  security: signedIn,
  querystring: ListQuery,
  response: { 200: { ...ref(Items), description: 'The items', headers: pageHeaders }, ...queryProblems },
}

export const summarizeItems = {
  ...operation('summarizeItems', 'Items', 'Summarize items'),
  description: 'Counts and sums by category and by price, of all items or of those that match the filters.',
  security: signedIn,
  querystring: SummaryQuery,
  response: { 200: { ...ref(ItemSummary), description: 'The summary' }, ...queryProblems },
}

export const exportItems = {
  ...operation('exportItems', 'Items', 'Export items as a file'),
  description:
    'All items, or those that match the filters, in one file, streamed as fast as the client reads. If it fails midway, ' +
    'the response is aborted. An export that is imported into an empty catalog is exported again byte for byte.',
  security: signedIn,
  querystring: ExportQuery,
  response: { 200: exportResponse, ...queryProblems },
}

export const importItems = {
  ...operation('importItems', 'Items', 'Import items from a file'),
  description:
    'All rows are written in one transaction, or none is. Each row must be valid as ItemCreate. The caller becomes the owner ' +
    'of new items; updated items keep their owner, and an owner in the file is ignored. A repeated `id` is an error on its ' +
    'second occurrence.',
  security: signedIn,
  querystring: { ...ImportQuery, ...strict },
  headers: IdempotencyKey,
  body: importBody,
  response: {
    200: { ...ref(ImportReport), description: 'What was written, and which rows were skipped', headers: replayed },
    ...problemResponses(
      ['import_failed', ...withBody, ...authenticated, ...keyProblems, 'request_timeout', ...unavailable],
      { import_failed: { ...exampleReport, ...zeroCounts } },
    ),
  },
}

export const changeItems = {
  ...operation('changeItems', 'Items', 'Change or delete many items'),
  description:
    'All selected items are changed in one transaction and recorded as one change set, or none is. Items of other managers ' +
    'are left out, unless `ITEM_WRITES=shared`. Without any filter, the selection is all items, and `expect` is required, ' +
    'except in a dry run. With `REQUIRE_IF_MATCH=true`, `expect` is always required in its place.',
  security: signedIn,
  querystring: BulkQuery,
  headers: IdempotencyKey,
  body: { ...ref(BulkRequest), 'x-strict': true },
  response: {
    200: { ...ref(BulkReport), description: 'What was changed', headers: replayed },
    ...problemResponses(
      [
        'bulk_failed',
        ...withBody,
        ...authenticated,
        ...keyProblems,
        'unexpected_count',
        'precondition_required',
        'request_timeout',
        ...unavailable,
      ],
      { bulk_failed: { matched: 3, ...exampleErrors }, unexpected_count: { matched: 4 } },
    ),
  },
}
