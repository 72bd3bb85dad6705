import { test, type TestContext } from 'node:test'

import { matches } from '../../../../console/src/items/matching.ts'
import { parseQuery } from '../../../../console/src/items/query.ts'

const myId = '019a6f1d-52c4-7d09-8f3e-6b0a94c7e215'
const created = {
  name: 'Crème brûlée',
  fields: {
    name: [null, 'Crème brûlée'],
    category: [null, 'Grocery'],
    price_usd: [null, 4.99],
    in_stock: [null, true],
    store_manager_id: [null, myId],
  },
} satisfies Parameters<typeof matches>[0]

test('a new item is compared with the filters as the service does', (t: TestContext) => {
  const found = ['', 'q=CREME', 'q=brul+cr', 'category=Grocery&category=Pet', 'in_stock=true', 'owner=me']
  for (const search of [...found, 'min_price=4.99&max_price=4.99', `owner=${myId}`])
    t.assert.ok(matches(created, parseQuery(search), myId), search)
  const other = 'owner=019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
  for (const search of ['q=tea', 'category=Pet', 'in_stock=false', other, 'min_price=5', 'max_price=4.98'])
    t.assert.ok(!matches(created, parseQuery(search), myId), search)
})
