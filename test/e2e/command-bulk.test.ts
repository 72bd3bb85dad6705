import { test, type TestContext } from 'node:test'

import { changesOf, summaryOf } from '../../src/cli/bulk.ts'
import { openShop } from '../support/bulk-changes.ts'
import { call, callOnTerminal, withoutTerminals } from '../support/command.ts'
import { temporaryFolder } from '../support/service.ts'

/** A service with three pets of Ada and one of Bob. */
async function openWorkplace(t: TestContext, settings: Record<string, string> = {}) {
  const shop = await openShop(t, settings)
  const { app, ada, bob, add } = shop
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const env = { XDG_CONFIG_HOME: await temporaryFolder(t), STOCKROOM_URL: url, STOCKROOM_TOKEN: ada.token }
  const ids = [
    await add({ name: 'Leash', price_usd: 3.2 }),
    await add({ name: 'Bowl', price_usd: 2.75 }),
    await add({ name: 'Sample', price_usd: 0 }),
  ]
  await add({}, bob)
  return { ...shop, ids, env, go: (...args: string[]) => call(t, ['items', 'bulk', ...args], { env }) }
}

const pets = ['--category', 'Pet']
const raise = ['--price-percent', '10', '--round', '0.01']

test('items bulk --dry-run shows old and new values', async (t: TestContext) => {
  const { go, ids, prices } = await openWorkplace(t)
  const dry = await go(...pets, ...raise, '--dry-run')
  t.assert.deepStrictEqual([dry.code, dry.err], [0, ''])
  t.assert.deepStrictEqual(dry.out.split('\n'), [
    'Leash: price_usd 3.2 → 3.52',
    'Bowl: price_usd 2.75 → 3.03',
    'Matched 4, changed 2, unchanged 1, not owned 1. Dry run: nothing was changed.',
    '',
  ])
  t.assert.deepStrictEqual(await prices(ids), [3.2, 2.75, 0])
})

test('items bulk --yes changes items and tells the change set', async (t: TestContext) => {
  const { go, ids, prices, ada } = await openWorkplace(t)
  const done = await go(...pets, ...raise, '--yes', '--expect', '4')
  t.assert.strictEqual(done.code, 0, done.err)
  const [, id] = /^Matched 4, changed 2, unchanged 1, not owned 1\. Change set: (\S{36})\n$/.exec(done.out) ?? []
  t.assert.strictEqual((await ada.get(`/changes/${id}`)).json().updated, 2)
  t.assert.deepStrictEqual(await prices(ids), [3.52, 3.03, 0])
  const [leash = '', bowl = '', sample = ''] = ids
  await go('--id', leash, '--id', bowl, '--price-add', '-1', '--yes')
  await go('--id', sample, '--set-category', 'Grocery', '--set-in-stock', 'false', '--set-price', '2', '--yes')
  t.assert.deepStrictEqual(await prices(ids), [2.52, 2.03, 2])
  t.assert.deepStrictEqual(Object.keys((await ada.get('/items?category=Grocery&in_stock=false')).json()), [sample])
  const deleted = await go('--mine', '--delete', '--yes', '--json')
  t.assert.strictEqual(JSON.parse(deleted.out).change.deleted, 3)
})

const mistakes: [args: string[], code: number, err: RegExp][] = [
  [['--delete'], 2, /^There is no terminal to confirm on\. Pass --dry-run or --yes\.\n$/],
  [['--yes'], 2, /^Pass one kind of change: .*\n$/],
  [['--delete', '--set-price', '1', '--yes'], 2, /^Pass one kind of change: /],
  [['--price-add', '1', '--price-percent', '1', '--yes'], 2, /cannot be used with option '--price-percent/],
  [['--id', 'x', ...pets, '--delete', '--yes'], 2, /^--id cannot be combined with filters\. Use one of them\.\n$/],
  [['--id', 'x', '--delete', '--yes'], 1, /UUID/],
  [['--round', '1', '--yes', ...pets], 1, /^price must have either percent or add\.\n$/],
  [['--set-in-stock', 'yes', '--yes'], 2, /Must be true or false\./],
  [['--delete', '--yes'], 1, /^--expect is required\. The selection has no filter, so it is all items\. .*\n$/],
  [[...pets, '--delete', '--yes', '--expect', '3'], 1, /^The selection matches 4 items, not 3\. Nothing was changed\./],
]

test('items bulk explains what is wrong with its options', async (t: TestContext) => {
  const { go, ids, prices } = await openWorkplace(t)
  for (const [args, code, err] of mistakes) {
    const called = await go(...args)
    t.assert.deepStrictEqual([called.code, called.out], [code, ''], args.join(' '))
    t.assert.match(called.err, err)
  }
  t.assert.deepStrictEqual(await prices(ids), [3.2, 2.75, 0])
})

test('items bulk names the items that cannot be changed', async (t: TestContext) => {
  const { go, ids } = await openWorkplace(t)
  const failed = await go(...pets, '--price-add', '-3', '--yes')
  t.assert.deepStrictEqual([failed.code, failed.out], [1, ''])
  t.assert.deepStrictEqual(failed.err.split('\n'), [
    `${ids[1]}: would cost -0.25: must be at least 0`,
    `${ids[2]}: would cost -3: must be at least 0`,
    `Nothing was changed: 2 items cannot have the new price, first ${ids[1]} (would cost -0.25: must be at least 0).`,
    '',
  ])
  const lossy = await go(...pets, '--price-percent', '1e-15', '--yes')
  t.assert.match(lossy.err, /64-bit float; use --round\n.*\n.*64-bit float; use --round\)\.\n$/)
  const json = await go(...pets, '--price-add', '-3', '--yes', '--json')
  t.assert.strictEqual(JSON.parse(json.err).code, 'bulk_failed')
})

test('items bulk asks on a terminal', { skip: withoutTerminals }, async (t: TestContext) => {
  const { ids, env, prices, add } = await openWorkplace(t)
  const line = ['items', 'bulk', ...pets, ...raise]
  const question = 'Change 2 items? Type yes: '
  const refused = await callOnTerminal(t, line, { env, dialogue: [[question, 'no\r']] })
  t.assert.strictEqual(refused.code, 1)
  t.assert.match(refused.screen, /Leash: price_usd 3\.2 → 3\.52\r\n.*Dry run.*Nothing was changed\.\r\n$/s)
  t.assert.deepStrictEqual(await prices(ids), [3.2, 2.75, 0])
  const changed = await callOnTerminal(t, line, { env, dialogue: [[question, 'yes\r']] })
  t.assert.strictEqual(changed.code, 0)
  t.assert.match(changed.screen, /\nMatched 4, changed 2, .* Change set: \S{36}\r\n$/)
  t.assert.deepStrictEqual(await prices(ids), [3.52, 3.03, 0])
  await add({ name: 'Sample', price_usd: 0 })
  const nothing = await callOnTerminal(t, ['items', 'bulk', '--max-price', '0', ...raise], { env })
  t.assert.strictEqual(
    nothing.screen,
    'Matched 2, changed 0, unchanged 2, not owned 0. Dry run: nothing was changed.\r\n',
  )
})

test('previews count further changes, and names cannot steer the terminal', (t: TestContext) => {
  const change = { item_id: 'a', name: 'A\u001B[2J', kind: 'delete', version: 2, fields: {} }
  const changes = Array.from({ length: 12 }, () => change)
  const counts = { matched: 2_000, changed: 1_234, unchanged: 766, not_owned: 0, not_found: 3 }
  const report = { dry_run: false, ...counts, change: null, changes }
  const lines = changesOf(report)
  t.assert.deepStrictEqual(
    [lines.length, lines[0], lines.at(-1)],
    [11, 'A\\u001b[2J: deleted', '… and 1,224 more changes.'],
  )
  t.assert.strictEqual(summaryOf(report), 'Matched 2,000, changed 1,234, unchanged 766, not owned 0, not found 3.')
})
