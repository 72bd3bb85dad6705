import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { DatabaseError } from 'pg'

import { decide } from '../../src/database/errors.ts'
import { onServer, openApp } from '../support/app.ts'
import { onlyPlain } from '../support/citus.ts'
import { tea } from '../support/fixtures.ts'

const page = await readFile(new URL('../../docs/reference/sqlstates.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `([0-9A-Z]{5})` +\| `(\w+)` +\| (\w+) +\|/gm)]

test('the table of SQLSTATEs agrees with the code', (t: TestContext) => {
  t.assert.ok(rows.length > 45)
  for (const [, code = '', , decision] of rows) t.assert.strictEqual(decide(errorOf(code)), decision, code)
})

test('the table has each class that is not about the statement', (t: TestContext) => {
  const counts = Object.groupBy(rows, ([, code = '']) => code.slice(0, 2))
  const lengths = Object.entries(counts).map(([of, some]) => [of, some?.length])
  t.assert.deepStrictEqual(Object.fromEntries(lengths), {
    '08': 7,
    25: 13,
    26: 1,
    40: 5,
    42: 1,
    53: 5,
    55: 5,
    57: 7,
    58: 5,
  })
})

test('a stale cached plan is replanned in each language', (t: TestContext) => {
  const error = errorOf('0A000')
  t.assert.strictEqual(decide(error), 'bug')
  t.assert.strictEqual(decide(Object.assign(error, { routine: 'RevalidateCachedQuery' })), 'renew')
})

const noTriggers = onlyPlain('distributed tables have no triggers')

test('a permanent refusal of PostgreSQL gets 500 and one log line', { skip: noTriggers }, async (t: TestContext) => {
  const { server, context, signIn, log } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { schema } = context.config.pool
  const refuse = `create function ${schema}.refuse() returns trigger language plpgsql as
    $$ begin raise 'not implemented' using errcode = 'feature_not_supported'; end $$`
  await onServer(
    server,
    `${refuse}; create trigger refuse before insert on ${schema}.items execute function ${schema}.refuse()`,
  )
  const csv = 'name,category,price_usd,in_stock\nTea,Grocery,1,true\n'
  const writes = [
    () => ada.post('/items', tea),
    () => ada.post('/items', tea, { 'idempotency-key': 'once' }),
    () => ada.post('/items/import', csv, { 'content-type': 'text/csv' }),
  ]
  for (const write of writes) {
    log.length = 0
    const refused = await write()
    t.assert.strictEqual(refused.statusCode, 500)
    t.assert.strictEqual(refused.json().code, 'internal_error')
    t.assert.strictEqual(refused.headers['retry-after'], undefined)
    t.assert.strictEqual(log.filter((line) => JSON.parse(line).level >= 40).length, 1, log.join(''))
  }
})

test('a protocol violation is a bug, but a failure of a pooler is not', (t: TestContext) => {
  const error = errorOf('08P01')
  t.assert.strictEqual(decide(error), 'unavailable')
  t.assert.strictEqual(decide(Object.assign(error, { routine: 'exec_bind_message' })), 'bug')
})

test('connection errors are not bugs, errors of the code are', (t: TestContext) => {
  t.assert.strictEqual(decide(new Error('Connection terminated')), 'unavailable')
  t.assert.strictEqual(decide(new TypeError('x is not a function')), 'bug')
  t.assert.strictEqual(decide(errorOf('23505')), 'bug')
})

function errorOf(code: string): DatabaseError {
  return Object.assign(new DatabaseError('failed', 0, 'error'), { code })
}
