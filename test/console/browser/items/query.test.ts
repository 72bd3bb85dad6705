import { test, type TestContext } from 'node:test'

import {
  categories,
  countFilters,
  filtersKey,
  isSearchable,
  nextSort,
  noQuery,
  parseQuery,
  toFilters,
  toListQuery,
  toSearch,
} from '../../../../console/src/items/query.ts'
import { categories as serviceCategories } from '../../../../src/database/constraints.ts'

const everything =
  'q=green+tea&category=Grocery&category=Pet&in_stock=false&owner=me&min_price=0.5&max_price=10&sort=-price_usd&after=abc'

test('the console knows the categories of the service', (t: TestContext) => {
  t.assert.deepStrictEqual(categories, serviceCategories)
})

test('a query survives the way through the URL', (t: TestContext) => {
  t.assert.strictEqual(toSearch(parseQuery(`?${everything}`)), everything)
  t.assert.strictEqual(toSearch(noQuery), '')
  t.assert.deepStrictEqual(parseQuery(''), noQuery)
})

test('unknown values of a URL are ignored', (t: TestContext) => {
  const search = '?category=Toys&in_stock=perhaps&owner=you&min_price=-1&max_price=x&sort=size&after=&more=1'
  t.assert.deepStrictEqual(parseQuery(search), noQuery)
})

test('equal queries have one URL', (t: TestContext) => {
  t.assert.strictEqual(toSearch(parseQuery('?sort=-id&category=Pet&category=Grocery')), 'category=Grocery&category=Pet')
})

test('filters have the names of the API', (t: TestContext) => {
  t.assert.deepStrictEqual(toFilters(parseQuery(everything)), {
    q: 'green tea',
    category: ['Grocery', 'Pet'],
    in_stock: false,
    store_manager_id: 'me',
    min_price: 0.5,
    max_price: 10,
  })
  t.assert.deepStrictEqual(toFilters(parseQuery('?q=++')), {})
  t.assert.strictEqual(toListQuery(noQuery).sort, '-id')
  t.assert.strictEqual(toListQuery(noQuery).limit, 100)
})

test('filters are counted as a small screen hides them', (t: TestContext) => {
  t.assert.strictEqual(countFilters(parseQuery(everything)), 4)
  t.assert.strictEqual(countFilters(parseQuery('?q=tea&sort=name')), 0)
  t.assert.strictEqual(countFilters(parseQuery('?max_price=10')), 1)
})

test('the order and the page do not change which items match', (t: TestContext) => {
  t.assert.strictEqual(filtersKey(parseQuery('?q=tea&sort=name&after=a')), filtersKey(parseQuery('?q=tea')))
})

test('a column sorts ascending, descending, and then not at all', (t: TestContext) => {
  t.assert.strictEqual(nextSort(undefined, 'name'), 'name')
  t.assert.strictEqual(nextSort('name', 'name'), '-name')
  t.assert.strictEqual(nextSort('-name', 'name'), undefined)
  t.assert.strictEqual(nextSort('-name', 'price_usd'), 'price_usd')
})

test('a search starts at three letters, or when it is cleared', (t: TestContext) => {
  t.assert.deepStrictEqual(['', '  ', 'a', 'te', 'tea', 'a tea', 'ab cd'].map(isSearchable), [
    true,
    true,
    false,
    false,
    true,
    true,
    false,
  ])
})
