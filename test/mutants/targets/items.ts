import type { Target } from '../mutant.ts'

/** Items one by one. */
export const itemTargets: Target[] = [
  {
    file: 'src/items/mutations.ts',
    tests: [
      'items/items: absent and null|empty change|deleted|another manager',
      'items/etags: other versions|precedence',
      'items/mutations',
    ],
    mistakes: [
      {
        what: 'a change waits for ever for its item',
        before: 'engine.limitLocks(lockTimeout)',
        after: 'engine.limitLocks(0)',
        tests: ['items/mutations: too long'],
      },
      {
        what: 'a change that waited and was not made does not tell that its token has ended',
        before: 'const refused = await refusal(queryOf(transaction), write.token)',
        after: 'const refused = undefined',
        tests: ['auth/late-requests: after the wait'],
      },
      {
        what: '"in_stock" cannot be set to false',
        before: 'changes[name] ?? null',
        after: 'changes[name] || null',
      },
      {
        what: '412 does not tell the ETag',
        before: 'headers: { etag: etagOf(item) },',
        after: '',
        tests: ['items/etags: other versions'],
      },
    ],
    survivors: [
      {
        before: 'const refused = await refusal(queryOf(transaction), write.token)',
        after: 'const refused = undefined',
        reason: 'An error of a write is sent after one more check of its token, which tells the same.',
      },
      {
        before: 'if (position !== null) await runSql(db, statements.writeItem, values)',
        after: 'if (position !== null) runSql(db, statements.writeItem, values)',
        reason: 'Only on Citus is an item written apart, and its connection runs the statement before the commit.',
      },
    ],
  },
  {
    file: 'src/items/mutation-statements.ts',
    tests: ['items/etags: other versions', 'items/mutations', 'changes/record: changes nothing'],
    mistakes: [
      {
        what: 'a change ignores the version that it is meant for',
        before: 'items.version = any(versions::bigint[])',
        after: 'true',
        tests: ['items/etags: other versions'],
      },
      {
        what: 'a change does not check its token',
        before: '${wantedWithManager(changeArrays, changeColumns)}',
        after: 'select *, null as manager_name from unnest(${changeArrays}) as wanted (${changeColumns})',
        tests: ['auth/late-requests: a changed item'],
      },
      {
        what: 'a change waits for all items that others hold',
        before: 'for no key update of items skip locked',
        after: 'for no key update of items',
        tests: ['items/mutations: locked item'],
      },
      {
        what: 'an update that changes nothing is recorded',
        before: 'is distinct from (old_name, old_category, old_price_usd, old_in_stock)',
        after: 'is not null or (old_name) is not null',
        tests: ['changes/record: changes nothing'],
      },
      {
        what: 'a change has the position of its transaction though that of the change before is greater',
        before: 'version, greatest(old_position, position) as position',
        after: 'version, position',
        tests: ['changes/record: in the order of their positions'],
      },
    ],
  },
  {
    file: 'src/changes/record.ts',
    tests: ['changes/record'],
    mistakes: [
      {
        what: 'a deletion has the version of the change before it',
        before: 'version + 1',
        after: 'version',
        tests: ['changes/record: exact values'],
      },
      {
        what: 'a value that did not change is recorded',
        before: '`case when ${field} <> old_${field} then ${value} end`',
        after: 'value',
        tests: ['changes/record: exact values'],
      },
    ],
  },
  {
    file: 'src/changes/purge.ts',
    tests: ['changes/purge'],
    mistakes: [
      { what: 'changes are purged too early', before: 'days * day', after: 'day', tests: ['changes/purge: older'] },
      {
        what: 'entries of purged sets remain',
        before: '    await deleteEntries(db, ids)\n',
        after: '',
        tests: ['changes/purge: older'],
      },
    ],
  },
  {
    file: 'src/changes/changes.ts',
    tests: ['changes/changes'],
    mistakes: [
      {
        what: 'a page begins with the last set of the page before',
        before: 'id < ${after}::uuid',
        after: 'id <= ${after}::uuid',
        tests: ['changes/changes: without a gap'],
      },
      {
        what: 'an item without history counts as one that does not exist',
        before: "if (rows.length === 0) throw new Problem('item_not_found'",
        after: "if (rows.length === 1) throw new Problem('item_not_found'",
        tests: ['changes/changes: 404'],
      },
    ],
  },
  {
    file: 'src/changes/routes.ts',
    tests: ['changes/changes'],
    mistakes: [
      {
        what: 'the history is open to all',
        before: '  authenticate(app, context)\n',
        after: '',
        tests: ['changes/changes: valid token'],
      },
    ],
  },
  {
    file: 'src/changes/feed/read.ts',
    tests: ['changes/feed/feed'],
    mistakes: [
      {
        what: 'a cursor passes changes that are not committed yet',
        before: '      and item_changes.position <= settled\n',
        after: '',
        tests: ['changes/feed/feed: still open'],
      },
      {
        what: 'a follower is not told that changes were purged',
        before: 'cursor.position < Number(rows[0]?.purged_position)',
        after: 'cursor.position < 0',
        tests: ['changes/feed/feed: before a purge'],
      },
    ],
  },
  {
    file: 'src/changes/feed/feed.ts',
    tests: ['changes/feed/feed'],
    mistakes: [
      {
        what: 'a poll responds immediately',
        before: 'if (batch.isLast) await feed.wait(reader.signal, left)',
        after: 'return batch',
        tests: ['changes/feed/feed: waits'],
      },
    ],
  },
  {
    file: 'src/changes/feed/event-stream.ts',
    tests: ['changes/feed/event-stream'],
    mistakes: [
      {
        what: 'an event stream outlives its token',
        before: '    reader.signal.throwIfAborted()\n',
        after: '',
        tests: ['changes/feed/event-stream: logout'],
      },
    ],
  },
  { file: 'src/changes/feed/cursor.ts', tests: ['changes/feed/feed'], mistakes: [] },
  {
    file: 'src/changes/feed/followers.ts',
    tests: ['changes/feed/followers', 'changes/feed/feed: token'],
    mistakes: [],
  },
  {
    file: 'src/changes/feed/routes.ts',
    tests: ['changes/feed/feed', 'changes/feed/event-stream'],
    mistakes: [
      {
        what: 'an event stream begins at since again though it has an ID',
        before: 'lastEventId || since',
        after: 'since',
        tests: ['changes/feed/event-stream: Last-Event-ID'],
      },
    ],
  },
  { file: 'src/changes/feed/tail.ts', tests: ['changes/feed/feed', 'changes/feed/event-stream'], mistakes: [] },
  {
    file: 'src/changes/positions.ts',
    tests: ['changes/record: restore|identify'],
    mistakes: [
      {
        what: 'positions begin again after a restore',
        before: '${last} >= position_offset',
        after: '${last} < position_offset - ${last}',
        tests: ['changes/record: restore'],
      },
    ],
  },
  {
    file: 'src/changes/undo/undo.ts',
    tests: ['changes/undo: stop|skip|dry run|concurrent|owner'],
    mistakes: [
      {
        what: 'an undo commits after its token has ended',
        before: 'await lockToken(session, token)\n',
        after: '',
        tests: ['changes/undo: during a logout'],
      },
      {
        what: 'a set whose items changed meanwhile is undone in part',
        before: 'if (stops && left > 0) throw new Race()\n',
        after: '',
        tests: ['changes/undo: waits for it is kept'],
      },
      {
        what: 'a set that is half purged is undone',
        before: 'if (total < sumOf(set)) throw changeNotFound()\n',
        after: '',
        tests: ['changes/undo: rejects'],
      },
      {
        what: 'an item that was created and deleted meanwhile is restored',
        before: 'if (rows[0]?.is_overtaken) throw new Race()',
        after: '',
        tests: ['changes/undo: created and deleted during'],
      },
      {
        what: 'an owner who was deleted meanwhile is a 500',
        before: "'23503', ",
        after: '',
        tests: ['changes/undo: being deleted'],
      },
      {
        what: 'an ID that was taken meanwhile is a 500',
        before: "'23505', ",
        after: '',
        tests: ['changes/undo: waits for its ID'],
      },
    ],
  },
  {
    file: 'src/changes/undo/statements.ts',
    tests: ['changes/undo'],
    mistakes: [
      {
        what: 'a change that came meanwhile is overwritten',
        before: ' and items.version = entry.version\n',
        after: '\n',
        tests: ['changes/undo: waits for it is kept'],
      },
      {
        what: 'an item that was restored and deleted again is restored twice',
        before: ' and not ${changedLater})',
        after: ')',
        tests: ['changes/undo: deleted again are left out'],
      },
    ],
  },
  { file: 'src/changes/undo/routes.ts', tests: ['http/security-events: undos'], mistakes: [] },
  { file: 'src/changes/undo/operations.ts', tests: ['openapi/document: snapshot'], mistakes: [] },
  { file: 'src/changes/undo/schemas.ts', tests: ['changes/undo: rejects'], mistakes: [] },
  {
    file: 'src/changes/feed/schemas.ts',
    tests: ['changes/feed/feed: wrong queries', 'openapi/document: snapshot'],
    mistakes: [],
  },
  { file: 'src/changes/operations.ts', tests: ['openapi/document: snapshot'], mistakes: [] },
  { file: 'src/changes/schemas.ts', tests: ['changes/changes: 404', 'openapi/document: snapshot'], mistakes: [] },
  { file: 'src/changes/set-ids.ts', tests: ['changes/purge', 'changes/changes'], mistakes: [] },
  {
    file: 'src/items/ids.ts',
    tests: ['ids', 'items/items: without created_at'],
    mistakes: [
      {
        what: 'any UUID has a time',
        before: 'uuidV7.test(id) ? timeOf(id) : Infinity',
        after: 'timeOf(id)',
        tests: ['items/items: without created_at'],
      },
      { what: 'the 4,097th ID of a millisecond is no UUID', before: '++count > 0xfff', after: '++count > 0xffff' },
      { what: 'IDs go back when the clock does', before: 'if (now > time)', after: 'if (now !== time)' },
    ],
  },
  {
    file: 'src/items/creation.ts',
    tests: [
      'items/items: created item|upper case|expand=|without created_at',
      'concurrency/batching: own response|fails alone',
      'idempotency: same key|one transaction',
    ],
    mistakes: [
      {
        what: 'a new item does not check its token',
        before: '${wantedWithManager(creationArrays, creationColumns)}',
        after: 'select *, null as manager_name from unnest(${creationArrays}) as wanted (${creationColumns})',
        tests: ['auth/late-requests: a new item\\)'],
      },
      {
        what: 'a token that has ended gets the response to an earlier request',
        before: 'if (key !== undefined) await checkToken(token)',
        after: '',
        tests: ['auth/late-requests: another replica'],
      },
      {
        what: 'keys of all managers are one',
        before: '`items of ${token.sub}`',
        after: "'items'",
        tests: ['idempotency: its manager'],
      },
      {
        what: 'the response has the price -0, which is not what was stored',
        before: 'price_usd: price_usd + 0',
        after: 'price_usd',
        tests: ['items/items: price'],
      },
      {
        what: 'all items of a statement count as written',
        before: 'if (rows.length === creations.length) return',
        after: 'return',
        tests: ['auth/late-requests: a new item\\)'],
      },
      {
        what: 'an item is written outside of the transaction of its key',
        before: '? (await insertAll(transaction, [creation])).has(creation)',
        after: '? (await insertAll(db, [creation])).has(creation)',
        tests: ['idempotency: one transaction'],
      },
    ],
    survivors: [
      {
        before:
          'const item = { id: nextId(), name, category, price_usd: price_usd + 0, in_stock, store_manager_id: token.sub }',
        after: 'const item = { id: nextId(), name, category, price_usd, in_stock, store_manager_id: token.sub }',
        reason: 'JSON and the driver of PostgreSQL write a number as text, and -0 as 0.',
      },
    ],
  },
  {
    file: 'src/items/items.ts',
    tests: ['items/items: created item|upper case|expand=|without created_at'],
    mistakes: [],
  },
  {
    file: 'src/items/routes.ts',
    tests: [
      'items/etags: ETag|cached|learns nothing|304|REQUIRE',
      'items/items: created item|list',
      'http/errors: HEAD|slash',
    ],
    mistakes: [
      {
        what: 'proxies keep items of one manager for all',
        before: "'private, no-cache'",
        after: "'public, max-age=60'",
        tests: ['items/etags: cached'],
      },
      {
        what: 'lists continue after their token has ended',
        before: '    endResponsesWithToken(scope, context)\n',
        after: '',
        tests: ['auth/late-requests: break off'],
      },
    ],
  },
  { file: 'src/items/operations.ts', tests: ['openapi/document: snapshot'], mistakes: [] },
  {
    file: 'src/items/schemas.ts',
    tests: ['items/items: an item with|absent and null', 'items/etags: malformed', 'openapi/document: snapshot'],
    mistakes: [
      {
        what: 'a change cannot leave a category alone with null',
        before: 'category: Type.Optional(nullable(Type.Unsafe',
        after: 'category: Type.Optional((Type.Unsafe',
        tests: ['items/items: absent and null'],
      },
    ],
  },
  {
    file: 'src/items/etags.ts',
    tests: ['items/etags: ETag|304|If-Match|REQUIRE', 'items/import/versions: is a number'],
    mistakes: [
      {
        what: 'an item has the same ETag with its owner and without',
        before: 'return owner === undefined ? `"${version}"` :',
        after: 'return true ? `"${version}"` :',
      },
      {
        what: 'an ETag that a proxy has marked "gzip" is not recognized',
        before: '(?:-{1,2}(?:gzip|br|zstd|deflate))?',
        after: '',
      },
      {
        what: 'If-Match: * is as if it were missing',
        before: 'if (ifMatch === undefined && isRequired)',
        after: "if ((ifMatch ?? '*') === '*' && isRequired)",
      },
      {
        what: 'an If-Match of foreign tags lets any version be changed',
        before: 'return tagsIn(ifMatch).flatMap((tag) => etagPattern.exec(tag)?.[1] ?? [])',
        after:
          'const known = tagsIn(ifMatch).flatMap((tag) => etagPattern.exec(tag)?.[1] ?? [])\n  return known.length > 0 ? known : undefined',
      },
    ],
  },
]
