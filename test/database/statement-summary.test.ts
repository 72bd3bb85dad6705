import { test, type TestContext } from 'node:test'

import { summaryOf } from '../../src/database/statement-summary.ts'

test('a statement is named by its verb and its table', (t: TestContext) => {
  const names = [
    ['commit', 'COMMIT'],
    ['select "id" from "store_managers" where "id" = $1 for no key update', 'SELECT store_managers'],
    [
      'with locked as (select from items for no key update of items skip locked) update items set a = 1',
      'UPDATE items',
    ],
    ['insert into "token_uses" (jti) values ($1) on conflict (jti) do update set used_at = now()', 'INSERT token_uses'],
    ['delete from items using locked', 'DELETE items'],
    ['select * from unnest($1) as wanted', 'SELECT'],
    ['explain (format json) select from items', 'SELECT items'],
  ] as const
  for (const [text, name] of names) t.assert.strictEqual(summaryOf(text), name)
})
