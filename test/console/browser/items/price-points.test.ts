import { test, type TestContext } from 'node:test'

import { pricePoints, toPath } from '../../../../console/src/items/price-points.ts'
import type { ItemVersion } from '../../../../src/client/client.ts'

const now = Date.parse('2026-05-03T00:00:00.000Z')
const at = (day: number) => `2026-05-0${day}T00:00:00.000Z`
const entry = (day: number, fields: ItemVersion['fields']) =>
  ({ fields, change: { at: at(day) } }) as Pick<ItemVersion, 'fields' | 'change'>

test('the prices of a history are in order, and last until now', (t: TestContext) => {
  const entries = [entry(2, { price_usd: [4, 8] }), entry(2, { name: ['a', 'b'] }), entry(1, { price_usd: [null, 4] })]
  t.assert.deepStrictEqual(pricePoints(entries, now), [
    { at: at(1), price: 4 },
    { at: at(2), price: 8 },
    { at: at(3), price: 8 },
  ])
  t.assert.deepStrictEqual(pricePoints([], now), [])
})

test('a line of prices has steps, and the highest one above', (t: TestContext) => {
  const points = pricePoints([entry(2, { price_usd: [4, 8] }), entry(1, { price_usd: [null, 4] })], now)
  t.assert.strictEqual(toPath(points, 100, 44), 'M0 42H50V2H100V2')
})

test('a line of equal prices or times is finite', (t: TestContext) => {
  const same = [1, 1].map((price) => ({ at: at(1), price }))
  t.assert.strictEqual(toPath(same, 100, 44), 'M0 42H0V42')
})
