import { test, type TestContext } from 'node:test'

import * as fc from 'fast-check'
import { sql } from 'kysely'

import { openShop, pets } from '../../support/bulk-changes.ts'
import { readHistory } from '../../support/history.ts'

const cases: [before: number, price: object, after: number][] = [
  [3.2, { percent: 10 }, 3.52],
  [2.75, { percent: 10 }, 3.025],
  [2.75, { percent: 10, round: 0.01 }, 3.03],
  [2.74, { percent: 10, round: 0.05 }, 3],
  [1.005, { add: 0, round: 0.01 }, 1.01],
  [0.1, { add: 0.2 }, 0.3],
  [1, { percent: -100 }, 0],
  [0.004, { add: -0.008, round: 0.01 }, 0],
  [19.99, { percent: -33.3, round: 0.01 }, 13.33],
  [1234567.89, { percent: 0.5 }, 1240740.72945],
  [7, { percent: 10, round: 5 }, 10],
  [7.5, { percent: 0, round: 5 }, 10],
  [1e21, { percent: 100 }, 2e21],
  [5e-324, { percent: 0 }, 5e-324],
]

test('prices change exactly as decimals, and round half away from zero', async (t: TestContext) => {
  const { add, bulk, prices, context } = await openShop(t)
  for (const [before, price, after] of cases) {
    const id = await add({ price_usd: before })
    const result = await bulk({ ids: [id] }, { price })
    const what = JSON.stringify([before, price])
    t.assert.strictEqual(result.status, 200, `${what}: ${result.detail}`)
    t.assert.deepStrictEqual(await prices([id]), [after], what)
    const { rows } = await sql<{ text: string }>`select price_usd::text as text from items where id = ${id}`.execute(
      context.db,
    )
    t.assert.doesNotMatch(rows[0]?.text ?? '', /\.\d*0$/)
  }
})

test('new prices that cannot be stored are named, and nothing changes', async (t: TestContext) => {
  const app = await openShop(t)
  const { add, bulk, prices } = app
  const ids = [await add({ price_usd: 5 }), await add({ price_usd: 0.5 }), await add({ price_usd: 1 })]
  const before = await readHistory(app)
  for (const query of ['', '?dry_run=true']) {
    const { status, code, ...failure } = await bulk(pets, { price: { add: -1.25 } }, { query })
    t.assert.deepStrictEqual([status, code, failure.matched, failure.failed], [422, 'bulk_failed', 3, 2])
    t.assert.deepStrictEqual(failure.errors, [
      { item_id: ids[1], type: 'greater_than_equal', msg: 'would cost -0.75: must be at least 0' },
      { item_id: ids[2], type: 'greater_than_equal', msg: 'would cost -0.25: must be at least 0' },
    ])
    t.assert.strictEqual(failure.errors_omitted, 0)
    t.assert.strictEqual(
      failure.detail,
      `Nothing was changed: 2 items cannot have the new price, first ${ids[1]} (would cost -0.75: must be at least 0).`,
    )
  }
  const lossy = await bulk({ ids: [ids[0]] }, { price: { percent: 1e-16 } })
  t.assert.deepStrictEqual(lossy.errors, [
    {
      item_id: ids[0],
      type: 'finite_number',
      msg: 'would cost 5.000000000000000005: must be exactly representable as a 64-bit float; send round',
    },
  ])
  const long = await bulk({ ids: [ids[0]] }, { price: { percent: 1e300 } })
  t.assert.match(long.errors[0]?.msg ?? '', /^would cost 50{39}…: must be exactly/)
  t.assert.deepStrictEqual(await prices(ids), [5, 0.5, 1])
  t.assert.deepStrictEqual(await readHistory(app), before)
})

test('new prices outside of the range of a float are refused', async (t: TestContext) => {
  const { add, bulk } = await openShop(t)
  for (const [before, percent] of [
    [Number.MAX_VALUE, 1],
    [5e-324, -50],
    [Number.MAX_VALUE, Number.MAX_VALUE],
    [5e-324, 1e-300],
  ]) {
    const { code, errors } = await bulk({ ids: [await add({ price_usd: before })] }, { price: { percent } })
    t.assert.deepStrictEqual([code, errors[0]?.type], ['bulk_failed', 'finite_number'], `${before} ${percent}`)
    t.assert.ok((errors[0]?.msg.length ?? 0) < 200)
  }
})

test('of many refused prices, the first 1,000 are listed', async (t: TestContext) => {
  const { add, bulk, context } = await openShop(t)
  await add()
  await sql`
    insert into items (id, name, category, price_usd, in_stock, store_manager_id)
    select gen_random_uuid(), name, category, price_usd, in_stock, store_manager_id from items, generate_series(1, 1200)
  `.execute(context.db)
  const { failed, errors, errors_omitted: omitted } = await bulk(pets, { price: { add: -11 } })
  t.assert.deepStrictEqual([failed, errors.length, omitted], [1_201, 1_000, 201])
})

test('a refused price of another manager or an unchanged one is no error', async (t: TestContext) => {
  const { add, bulk, bob, context } = await openShop(t)
  await add({ price_usd: 0.5 }, bob)
  const id = await add()
  // As a database that was adopted may have it.
  await sql`update items set price_usd = 10.00000000000000000001 where id = ${id}`.execute(context.db)
  const result = await bulk(pets, { price: { add: 0 } })
  t.assert.deepStrictEqual([result.status, result.unchanged], [200, 1])
  t.assert.strictEqual((await bulk({ filters: { max_price: 1 } }, { price: { add: -1 } })).not_owned, 1)
})

/** A decimal as an integer number of 10^-scale. */
function exactly(value: number): { digits: bigint; scale: number } {
  const [, whole = '', fraction = ''] = /^(-?\d+)(?:\.(\d+))?$/.exec(String(value)) ?? []
  return { digits: BigInt(whole + fraction), scale: fraction.length }
}

test('changed prices are those of exact arithmetic', async (t: TestContext) => {
  const { add, bulk, prices } = await openShop(t)
  const decimals = (max: number) =>
    fc.tuple(fc.nat(max), fc.nat(4)).map(([digits, scale]) => Number(`${digits}e-${scale}`))
  const plain = (max: number) => decimals(max).filter((value) => !String(value).includes('e'))
  const id = await add()
  const changes = fc.record({
    before: plain(99_999_999),
    percent: plain(200_000),
    step: plain(500).filter((step) => step > 0),
  })
  await fc.assert(
    fc.asyncProperty(changes, async ({ before, percent, step }) => {
      await bulk({ ids: [id] }, { set: { price_usd: before } })
      const result = await bulk({ ids: [id] }, { price: { percent, round: step } })
      t.assert.strictEqual(result.status, 200, result.detail)
      const price = exactly(before)
      const raise = exactly(percent)
      const unit = exactly(step)
      // Both sides times 10 to the power of all scales, and by 100.
      const raised = price.digits * (100n * 10n ** BigInt(raise.scale) + raise.digits) * 10n ** BigInt(unit.scale)
      const unitOf = unit.digits * 100n * 10n ** BigInt(price.scale + raise.scale)
      const steps = (2n * raised + unitOf) / (2n * unitOf)
      const expected = Number(`${steps * unit.digits}e-${unit.scale}`)
      t.assert.deepStrictEqual(await prices([id]), [expected])
    }),
    { numRuns: 60 },
  )
})
