import { test, type TestContext } from 'node:test'

import { sql } from 'kysely'

import { openShop, pets } from '../../support/bulk-changes.ts'
import { findDisagreements, readHistory } from '../../support/history.ts'

const unknownId = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
const dry = '?dry_run=true'

test('a bulk change sets fields of all items that match the filters', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, ada } = app
  const leash = await add()
  const bowl = await add({ name: 'Bowl', in_stock: false })
  const tea = await add({ name: 'Tea', category: 'Grocery' })
  const result = await bulk(pets, { set: { in_stock: false } })
  const { change } = result
  t.assert.deepStrictEqual(result, {
    status: 200,
    dry_run: false,
    matched: 2,
    changed: 1,
    unchanged: 1,
    not_owned: 0,
    not_found: 0,
    change: (await ada.get(`/changes/${change?.id}`)).json(),
    changes: (await ada.get(`/changes/${change?.id}/items`)).json(),
  })
  t.assert.deepStrictEqual(result.changes, [
    { item_id: leash, name: 'Leash', kind: 'update', version: 2, fields: { in_stock: [true, false] } },
  ])
  const answers = await Promise.all([leash, bowl, tea].map((id) => ada.get(`/items/${id}`)))
  t.assert.deepStrictEqual(
    answers.map((answer) => [answer.json().in_stock, answer.headers.etag]),
    [
      [false, '"2"'],
      [false, '"1"'],
      [true, '"1"'],
    ],
  )
  const { rows } = await sql<{ id: string }>`select id from items where updated_at > created_at`.execute(app.context.db)
  t.assert.deepStrictEqual(rows, [{ id: leash }])
  const set = (await readHistory(app)).find(({ kind }) => kind === 'bulk')
  t.assert.deepStrictEqual([set?.manager, set?.counts], [ada.id, [0, 1, 0]])
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('filters select what they select in a list', async (t: TestContext) => {
  const { add, bulk, ada, bob } = await openShop(t, { ITEM_WRITES: 'shared' })
  await add({ name: 'Crème', price_usd: 1 })
  await add({ name: 'Bowl', price_usd: 2, in_stock: false })
  await add({ name: 'Tea with cream', category: 'Grocery', price_usd: 3 }, bob)
  const all = [
    { category: ['Pet'] },
    { category: ['Pet', 'Grocery'] },
    { in_stock: true },
    { store_manager_id: 'me' },
    { store_manager_id: bob.id },
    { min_price: 2 },
    { max_price: 2, min_price: 2 },
    { q: 'creme' },
    { q: 'tea cream', category: ['Grocery'] },
    { category: [] },
  ]
  for (const filters of all) {
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(filters))
      for (const each of [value].flat()) query.append(name, String(each))
    const listed = Object.keys(
      filters.category?.length === 0 ? {} : (await ada.get(`/items?limit=9&${query.toString()}`)).json(),
    )
    const { changes } = await bulk({ filters }, 'delete', { query: dry })
    t.assert.deepStrictEqual(
      changes.map((each) => each.item_id),
      listed,
      query.toString(),
    )
  }
})

test('a bulk change deletes items, with an entry for each', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, ada } = app
  const leash = await add()
  const kept = await add({ category: 'Grocery' })
  const result = await bulk(pets, 'delete')
  t.assert.deepStrictEqual([result.changed, result.change?.deleted, result.change?.updated], [1, 1, 0])
  t.assert.deepStrictEqual(result.changes, [
    {
      item_id: leash,
      name: 'Leash',
      kind: 'delete',
      version: 2,
      fields: {
        name: ['Leash', null],
        category: ['Pet', null],
        price_usd: [10, null],
        in_stock: [true, null],
        store_manager_id: [ada.id, null],
      },
    },
  ])
  t.assert.deepStrictEqual((await ada.get(`/changes/${result.change?.id}/items`)).json(), result.changes)
  t.assert.deepStrictEqual(Object.keys((await ada.get('/items')).json()), [kept])
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('IDs count once, in any case, and unknown ones are counted', async (t: TestContext) => {
  const { add, bulk, prices } = await openShop(t)
  const ids = [await add(), await add()]
  const [first = ''] = ids
  const result = await bulk({ ids: [first, first.toUpperCase(), unknownId, unknownId, ids[1]] }, { price: { add: 1 } })
  t.assert.deepStrictEqual([result.matched, result.changed, result.not_found], [2, 2, 1])
  t.assert.deepStrictEqual(await prices(ids), [11, 11])
  const none = await bulk({ ids: [] }, 'delete')
  t.assert.deepStrictEqual([none.matched, none.change, none.changes], [0, null, []])
})

test('a dry run counts and shows the same, and writes nothing', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, prices, bob } = app
  const ids = [await add(), await add({ price_usd: 0 })]
  await add({}, bob)
  const before = await readHistory(app)
  for (const change of [{ price: { percent: 10 } }, { set: { category: 'Grocery', price_usd: 3 } }, 'delete']) {
    const tried = await bulk(pets, change, { query: dry })
    t.assert.deepStrictEqual(await readHistory(app), before)
    t.assert.deepStrictEqual([tried.dry_run, tried.change, tried.matched], [true, null, 3])
    t.assert.deepStrictEqual(await prices(ids), [10, 0])
  }
  const tried = await bulk(pets, { price: { percent: 10 } }, { query: dry })
  const done = await bulk(pets, { price: { percent: 10 } }, { expect: tried.matched })
  t.assert.deepStrictEqual({ ...done, dry_run: true, change: null }, tried)
  t.assert.deepStrictEqual(await prices(ids), [11, 0])
})

test('items of other managers are counted and left alone', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, prices, bob } = app
  const ids = [await add(), await add({}, bob)]
  for (const select of [pets, { ids }]) {
    const result = await bulk(select, { price: { add: 1 } })
    t.assert.deepStrictEqual([result.matched, result.changed, result.not_owned, result.not_found], [2, 1, 1, 0])
  }
  const result = await bulk({ ids: [ids[1]] }, 'delete')
  t.assert.deepStrictEqual([result.status, result.matched, result.not_owned, result.change], [200, 1, 1, null])
  t.assert.deepStrictEqual(await prices(ids), [12, 10])
})

test('with ITEM_WRITES=shared, a bulk change includes items of others', async (t: TestContext) => {
  const app = await openShop(t, { ITEM_WRITES: 'shared' })
  const { add, bulk, prices, bob } = app
  const ids = [await add(), await add({}, bob)]
  const result = await bulk(pets, { price: { add: 1 } })
  t.assert.deepStrictEqual([result.changed, result.not_owned], [2, 0])
  t.assert.deepStrictEqual(await prices(ids), [11, 11])
})

test('a count other than the expected one changes nothing', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, prices } = app
  const ids = [await add(), await add()]
  for (const query of ['', dry]) {
    const result = await bulk(pets, { price: { add: -20 } }, { expect: 3, query })
    t.assert.deepStrictEqual([result.status, result.code, result.matched], [412, 'unexpected_count', 2])
    t.assert.match(result.detail ?? '', /^The selection matches 2 items, not 3\./)
  }
  t.assert.strictEqual((await bulk(pets, 'delete', { expect: 2 ** 53 - 1 })).status, 412)
  t.assert.deepStrictEqual(await prices(ids), [10, 10])
  t.assert.strictEqual((await bulk(pets, { price: { add: 1 } }, { expect: 2 })).changed, 2)
})

test('a selection without filters must expect a number', async (t: TestContext) => {
  const { add, bulk } = await openShop(t)
  await add()
  for (const filters of [{}, { q: ' \u2003' }]) {
    const refused = await bulk({ filters }, 'delete')
    t.assert.deepStrictEqual([refused.status, refused.code], [428, 'precondition_required'])
    t.assert.strictEqual((await bulk({ filters }, 'delete', { query: dry })).changed, 1)
  }
  t.assert.strictEqual((await bulk({ filters: {} }, 'delete', { expect: 1 })).changed, 1)
})

test('with REQUIRE_IF_MATCH, each bulk change must expect a number', async (t: TestContext) => {
  const { add, bulk } = await openShop(t, { REQUIRE_IF_MATCH: 'true' })
  const ids = [await add()]
  for (const select of [pets, { ids }]) {
    const refused = await bulk(select, { price: { add: 1 } })
    t.assert.deepStrictEqual([refused.status, refused.code], [428, 'precondition_required'])
    t.assert.strictEqual((await bulk(select, { price: { add: 1 } }, { query: dry })).status, 200)
    t.assert.strictEqual((await bulk(select, { price: { add: 1 } }, { expect: 1 })).changed, 1)
  }
})

const faults: [select: unknown, change: unknown, loc: string][] = [
  [{ filter: {} }, 'delete', 'select.filter'],
  [{ filters: { categories: ['Pet'] } }, 'delete', 'select.filters.categories'],
  [{ filters: { category: 'Pet' } }, 'delete', 'select.filters.category'],
  [{ filters: { category: ['Pets'] } }, 'delete', 'select.filters.category.0'],
  [{ filters: { in_stock: null } }, 'delete', 'select.filters.in_stock'],
  [{ filters: { min_price: 2, max_price: 1 } }, 'delete', 'select.filters.min_price'],
  [{ filters: { q: 'a b c d e f g h i j k' } }, 'delete', 'select.filters.q'],
  [{ filters: { sort: 'id' } }, 'delete', 'select.filters.sort'],
  [{}, 'delete', 'select'],
  [[], 'delete', 'select'],
  [undefined, 'delete', 'select'],
  [{ ids: [], filters: {} }, 'delete', 'select'],
  [{ ids: ['x'] }, 'delete', 'select.ids.0'],
  [{ ids: null }, 'delete', 'select.ids'],
  [pets, 'deleted', 'change'],
  [pets, 3, 'change'],
  [pets, {}, 'change'],
  [pets, undefined, 'change'],
  [pets, { delete: true }, 'change.delete'],
  [pets, { set: { in_stock: true }, price: { add: 1 } }, 'change'],
  [pets, { set: {} }, 'change.set'],
  [pets, { set: { name: 'Leash' } }, 'change.set.name'],
  [pets, { set: { in_stock: null } }, 'change.set.in_stock'],
  [pets, { set: { price_usd: -1 } }, 'change.set.price_usd'],
  [pets, { price: { round: 1 } }, 'change.price'],
  [pets, { price: { add: 1, percent: 1 } }, 'change.price'],
  [pets, { price: { percent: -100.5 } }, 'change.price.percent'],
  [pets, { price: { percent: '10' } }, 'change.price.percent'],
  [pets, { price: { add: 1, round: 0 } }, 'change.price.round'],
  [pets, { price: { add: 1, rounds: 1 } }, 'change.price.rounds'],
]

test('a bulk change with unknown or contradictory members is refused', async (t: TestContext) => {
  const { add, bulk, ada } = await openShop(t)
  const id = await add()
  for (const [select, change, loc] of faults) {
    const { status, code, errors } = await bulk(select, change, { query: dry })
    const what = JSON.stringify([select, change])
    t.assert.deepStrictEqual([status, code], [422, 'invalid_request'], what)
    t.assert.strictEqual(errors[0]?.loc.join('.'), `body.${loc}`, what)
  }
  const others = [
    { expect: {} },
    { expect: { matched: -1 } },
    { expect: { matched: 1e30 } },
    { expect: { matched: 1, changed: 1 } },
    { expected: { matched: 1 } },
    { dry_run: true },
  ]
  for (const more of others) {
    const answer = await ada.post('/items/bulk', { select: pets, change: 'delete', ...more })
    t.assert.strictEqual(answer.statusCode, 422, JSON.stringify(more))
  }
  t.assert.strictEqual((await bulk(pets, 'delete', { query: '?dryrun=true' })).status, 422)
  t.assert.strictEqual((await ada.post('/items/bulk')).statusCode, 422)
  t.assert.strictEqual((await ada.get(`/items/${id}`)).statusCode, 200)
})

test('a bulk change takes 10,000 IDs, and a bad body gets one error', async (t: TestContext) => {
  const { add, bulk, ada } = await openShop(t)
  const id = await add()
  const ids = Array.from({ length: 10_000 }, (_, n) =>
    n === 0 ? id : `${String(n).padStart(8, '0')}${unknownId.slice(8)}`,
  )
  const payload = JSON.stringify({ select: { ids }, change: 'delete' }, null, 10)
  const done = await ada.post('/items/bulk', payload, { 'content-type': 'application/json' })
  t.assert.deepStrictEqual([done.json().changed, done.json().not_found], [1, 9_999])
  const tooMany = await bulk({ ids: [...ids, unknownId] }, 'delete')
  t.assert.deepStrictEqual(
    [tooMany.status, tooMany.errors.map(({ msg }) => msg)],
    [422, ['must have at most 10,000 IDs']],
  )
  t.assert.strictEqual((await bulk({ ids: Array.from({ length: 300_000 }, () => 0) }, 'delete')).errors.length, 1)
  const tooLarge = await bulk({ ids: Array.from({ length: 600_000 }, () => 0) }, 'delete')
  t.assert.deepStrictEqual([tooLarge.status, tooLarge.detail], [413, 'The body is larger than 1024 KiB.'])
})

test('a bulk change shows its first 100 changes', async (t: TestContext) => {
  const { add, bulk } = await openShop(t)
  const ids = await Promise.all(Array.from({ length: 120 }, (_, n) => add({ price_usd: n })))
  const { changed, changes } = await bulk({ ids: ids.toReversed() }, { price: { add: 1 } })
  t.assert.strictEqual(changed, 120)
  t.assert.deepStrictEqual(
    changes.map((each) => each.item_id),
    ids.toSorted().slice(0, 100),
  )
})

test('a bulk change is a security event with its counts', async (t: TestContext) => {
  const { add, bulk, log, ada } = await openShop(t)
  await add()
  await bulk(pets, { price: { add: 1 } }, { query: dry })
  await bulk(pets, { price: { add: 0 } })
  await bulk(pets, { price: { add: 1 } })
  await bulk(pets, 'delete')
  const events = log.map((line) => JSON.parse(line)).filter(({ event }) => event === 'items_changed_in_bulk')
  t.assert.deepStrictEqual(
    events.map(({ manager, updated, deleted }) => [manager, updated, deleted]),
    [
      [ada.id, 1, 0],
      [ada.id, 0, 1],
    ],
  )
})
