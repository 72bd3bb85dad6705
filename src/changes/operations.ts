import type { Readable } from 'node:stream'

import { Type } from 'typebox'

import { ItemParams } from '../items/schemas.ts'
import { operation, signedIn } from '../openapi/document.ts'
import { authenticated, problemResponses, unavailable } from '../openapi/responses.ts'
import { ref } from '../openapi/schemas.ts'
import { FeedEvents, feedHeaders, FeedQuery, LastEventId } from './feed/schemas.ts'
import {
  ChangeParams,
  ChangeSet,
  ChangeSets,
  ChangesQuery,
  ItemChanges,
  ItemVersions,
  PageQuery,
  pageHeaders,
} from './schemas.ts'

const common = [...authenticated, 'invalid_request', ...unavailable] as const

export const listChanges = {
  ...operation('listChanges', 'Changes', 'List change sets'),
  description:
    'Every request that created, updated, or deleted items, newest first, unless it was purged (`HISTORY_DAYS`).',
  security: signedIn,
  querystring: ChangesQuery,
  response: {
    200: { ...ref(ChangeSets), description: 'A page of change sets', headers: pageHeaders },
    ...problemResponses([...common]),
  },
}

export const getChange = {
  ...operation('getChange', 'Changes', 'Get a change set'),
  security: signedIn,
  params: ChangeParams,
  response: {
    200: { ...ref(ChangeSet), description: 'The change set' },
    ...problemResponses([...common, 'change_not_found']),
  },
}

export const listChangedItems = {
  ...operation('listChangedItems', 'Changes', 'List what a change set changed'),
  security: signedIn,
  params: ChangeParams,
  querystring: PageQuery,
  response: {
    200: { ...ref(ItemChanges), description: 'A page of changes', headers: pageHeaders },
    ...problemResponses([...common, 'change_not_found']),
  },
}

export const listItemChanges = {
  ...operation('listItemChanges', 'Changes', 'List the changes of an item'),
  description: 'Newest first, also if the item was deleted.',
  security: signedIn,
  params: ItemParams,
  querystring: PageQuery,
  response: {
    200: { ...ref(ItemVersions), description: 'A page of changes', headers: pageHeaders },
    ...problemResponses([...common, 'item_not_found']),
  },
}

export const followChanges = {
  ...operation('followChanges', 'Changes', 'Follow changes'),
  description:
    'Every change of every item, in an order in which none is missed: those of an item by version. Poll with `since` set to ' +
    '`X-Next-After` of the last response and `wait`, or send `Accept: text/event-stream` for server-sent events, whose IDs are ' +
    'cursors. A copy begins with `since=beginning`: then ignore an event whose `version` is not greater than that of the copy, and ' +
    'an `update` of an item that the copy lacks, which was deleted while the items were read. ' +
    'Changes are delayed while an earlier transaction, such as a large import, has not ended. A 410 means that the history ' +
    'after the cursor is gone: begin again.',
  security: signedIn,
  querystring: FeedQuery,
  headers: LastEventId,
  response: {
    200: {
      description: 'Events after `since`',
      headers: feedHeaders,
      content: {
        'application/json': { schema: ref(FeedEvents) },
        'text/event-stream': {
          schema: Type.Unsafe<Readable | string>({
            type: 'string',
            description:
              'Each event has its cursor as `id` and a FeedEvent as `data`. Comments keep the connection open',
          }),
        },
      },
    },
    ...problemResponses([...common, 'cursor_expired']),
  },
}
