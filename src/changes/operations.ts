import { ItemParams } from '../items/schemas.ts'
import { operation, signedIn } from '../openapi/document.ts'
import { authenticated, problemResponses, unavailable } from '../openapi/responses.ts'
import { ref } from '../openapi/schemas.ts'
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
