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
        what: 'a change ignores the version that it is meant for',
        before: 'items.version = any(wanted.versions::bigint[])',
        after: 'true',
        tests: ['items/etags: other versions'],
      },
      {
        what: 'a change does not check its token',
        before: '\n  and ${tokenIsValid}`',
        after: '`',
        tests: ['auth/late-requests: a changed item'],
      },
      {
        what: 'a change waits for all items that others hold',
        before: ' for no key update skip locked',
        after: ' for no key update',
        tests: ['items/mutations: locked item'],
      },
      {
        what: 'a change waits for ever for its item',
        before: "${lockTimeout}', true",
        after: "0', true",
        tests: ['items/mutations: too long'],
      },
      {
        what: 'a change that waited and was not made does not tell that its token has ended',
        before: 'const refused = await refusal(queryOf(transaction), write.token)',
        after: 'const refused = undefined',
        tests: ['auth/late-requests: after the wait'],
      },
      {
        what: '«in_stock» cannot be set to false',
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
    ],
  },
  {
    file: 'src/changes/record.ts',
    tests: ['changes/record'],
    mistakes: [
      {
        what: 'an update that changes nothing is recorded',
        before: 'is distinct from (old_name, old_category, old_price_usd, old_in_stock)',
        after: 'is not null or (old_name) is not null',
        tests: ['changes/record: changes nothing'],
      },
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
  { file: 'src/changes/operations.ts', tests: ['openapi/document: on purpose'], mistakes: [] },
  { file: 'src/changes/schemas.ts', tests: ['changes/changes: 404'], mistakes: [] },
  { file: 'src/changes/set-ids.ts', tests: ['changes/purge'], mistakes: [] },
  {
    file: 'src/items/ids.ts',
    tests: ['ids'],
    mistakes: [
      { what: 'the 4,097th ID of a millisecond is no UUID', before: '++count > 0xfff', after: '++count > 0xffff' },
      { what: 'IDs go back when the clock does', before: 'if (now > time)', after: 'if (now !== time)' },
    ],
  },
  {
    file: 'src/items/items.ts',
    tests: [
      'items/items: created item|upper case|expand=',
      'concurrency/batching: own response|fails alone',
      'idempotency: same key|one transaction',
    ],
    mistakes: [
      {
        what: 'a new item does not check its token',
        before: '\n    where ${tokenIsValid}),',
        after: '),',
        tests: ['auth/late-requests: a new item\\)'],
      },
      {
        what: 'a token that has ended gets the answer to an earlier request',
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
        what: 'the price -0 is answered as it was not stored',
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
        what: 'an item is written beside the transaction of its key',
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
        reason: 'Whoever writes a number as text, as JSON and the driver of PostgreSQL do, writes -0 as 0.',
      },
    ],
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
        what: 'lists go on after their token has ended',
        before: '    endResponsesWithToken(scope, context)\n',
        after: '',
        tests: ['auth/late-requests: break off'],
      },
      {
        what: 'a token that was logged out is told the ETag of an item',
        before: 'await request.pendingTokenCheck?.()\n    const tag',
        after: 'const tag',
        tests: ['items/etags: learns nothing'],
      },
    ],
  },
  { file: 'src/items/operations.ts', tests: ['openapi/document: on purpose'], mistakes: [] },
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
        what: 'an ETag that a proxy has marked «gzip» is not recognized',
        before: '(?:-{1,2}(?:gzip|br|zstd|deflate))?',
        after: '',
      },
      {
        what: 'If-Match: * is as if it were missing',
        before: 'if (ifMatch === undefined && isRequired)',
        after: "if ((ifMatch ?? '*') === '*' && isRequired)",
      },
      {
        what: 'an If-Match of tags that are none of ours lets any version be changed',
        before: 'return tagsIn(ifMatch).flatMap((tag) => etagPattern.exec(tag)?.[1] ?? [])',
        after:
          'const known = tagsIn(ifMatch).flatMap((tag) => etagPattern.exec(tag)?.[1] ?? [])\n  return known.maxBytes > 0 ? known : undefined',
      },
    ],
  },
]
