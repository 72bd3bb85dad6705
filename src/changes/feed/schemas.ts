import { type Static, Type } from 'typebox'

import { ref, strict } from '../../openapi/schemas.ts'
import { changeFields, changeFilters, ChangeSet, page } from '../schemas.ts'
import { cursorPattern } from './cursor.ts'

export const FeedEvent = Type.Object(
  {
    ...changeFields,
    kind: Type.Unsafe<string>({
      type: 'string',
      description:
        '`create`, `update`, or `delete`; after `since=beginning`, `present` for each item as it is, whose `fields` have null ' +
        'before each value',
      examples: ['update'],
    }),
    change: Type.Optional(ref(ChangeSet)),
  },
  {
    $id: 'FeedEvent',
    description: 'A change of one item, with the set that it belongs to, or an item as it is',
  },
)
export type FeedEvent = Static<typeof FeedEvent>

export const FeedEvents = Type.Array(ref(FeedEvent), {
  $id: 'FeedEvents',
  description: 'Events in an order in which none is missed, those of an item by version',
})

export const FeedQuery = Type.Object(
  {
    since: Type.String({
      pattern: `^(?:now|beginning|${cursorPattern})$`,
      'x-rule': 'must be now, beginning, or a cursor from an earlier response',
      description:
        'Where to begin: a cursor from an earlier response, `now`, or `beginning` for all items as they are and the changes ' +
        'that follow',
      examples: ['now'],
    }),
    limit: page.limit,
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 60,
        description: 'Seconds to wait for the first event; 0 by default',
        examples: [0],
      }),
    ),
    manager: changeFilters.manager,
    kind: changeFilters.kind,
    item: changeFilters.item,
  },
  strict,
)
export type FeedQuery = Static<typeof FeedQuery>

export const LastEventId = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      pattern: `^(?:now|beginning|${cursorPattern})?$`,
      'x-rule': 'must be the ID of an event',
      'x-placeholder': 'now',
      description:
        'The ID of the last event received, sent by clients of server-sent events. Takes precedence over `since`',
    }),
  ),
})

export const feedHeaders = {
  Link: {
    type: 'string',
    description: 'The `next` request: what follows these events (RFC 8288). Relative',
    examples: ['</changes/feed?since=c.019a6f2c00000001.812.019a6f2b7c1e7b3a9d5e2f1c8e4b6a70.2>; rel="next"'],
  },
  'X-Next-After': { type: 'string', description: 'The `since` of the next request' },
}
