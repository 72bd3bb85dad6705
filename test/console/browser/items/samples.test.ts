import { test, type TestContext } from 'node:test'

import { lengthOf, longestName } from '../../../../console/src/items/form.ts'
import { categories } from '../../../../console/src/items/query.ts'
import { sampleCount, sampleItems } from '../../../../console/src/items/samples.ts'

test('sample items have distinct names in all categories', (t: TestContext) => {
  const items = sampleItems()
  t.assert.strictEqual(items.length, sampleCount)
  t.assert.strictEqual(new Set(items.map(({ name }) => name)).size, items.length)
  for (const category of categories) {
    const some = items.filter((item) => item.category === category)
    t.assert.deepStrictEqual([some.length, some.filter((item) => !item.in_stock).length], [15, 1], category)
  }
  t.assert.ok(items.every(({ name, price_usd }) => lengthOf(name) <= longestName && price_usd > 0))
})
