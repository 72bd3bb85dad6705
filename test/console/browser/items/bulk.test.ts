import { test, type TestContext } from 'node:test'

import { formatsOf } from '../../../../console/src/format.ts'
import { type BulkForm, emptyForm, toChange } from '../../../../console/src/items/bulk.ts'

const { parsePrice } = formatsOf(['en-US'])

const cases: [form: Partial<BulkForm>, change: unknown][] = [
  [{ amount: '10' }, { price: { percent: 10, round: 0.01 } }],
  [{ amount: '7,5 %' }, { price: { percent: 7.5, round: 0.01 } }],
  [{ amount: '10', mode: 'lower-percent', round: '' }, { price: { percent: -10 } }],
  [{ amount: '101', mode: 'lower-percent' }, undefined],
  [{ amount: '1', mode: 'raise', round: '0.5' }, { price: { add: 1, round: 0.5 } }],
  [{ amount: '$1.25', mode: 'lower', round: '' }, { price: { add: -1.25 } }],
  [{ amount: '4.99', mode: 'set' }, { set: { price_usd: 4.99 } }],
  [{ amount: '' }, undefined],
  [{ amount: 'ten' }, undefined],
  [{ field: 'category', category: 'Pet' }, { set: { category: 'Pet' } }],
  [{ field: 'category' }, undefined],
  [{ field: 'stock', isInStock: false }, { set: { in_stock: false } }],
]

test('the fields of the dialog become a change of the API', (t: TestContext) => {
  for (const [form, change] of cases)
    t.assert.deepStrictEqual(toChange({ ...emptyForm, ...form }, parsePrice), change, JSON.stringify(form))
})
