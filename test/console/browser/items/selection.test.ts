import { test, type TestContext } from 'node:test'

import {
  countMine,
  isEmpty,
  isSelected,
  nothing,
  pageState,
  rangeOf,
  select,
  type Selectable,
} from '../../../../console/src/items/selection.ts'

const page: Selectable[] = ['a', 'b', 'c', 'd'].map((id) => ({ id, isMine: id !== 'c' }))
const rows = (...ids: string[]) => page.filter(({ id }) => ids.includes(id))

test('items are selected and unselected, and counted by owner', (t: TestContext) => {
  const some = select(nothing, page, rows('a', 'c'), true)
  t.assert.deepStrictEqual([...some.items.keys()], ['a', 'c'])
  t.assert.strictEqual(countMine(some), 1)
  t.assert.strictEqual(pageState(some, page), 'some')
  t.assert.ok(isEmpty(select(some, page, page, false)))
  t.assert.strictEqual(pageState(select(some, page, page, true), page), 'all')
})

test('a range goes in either direction, and begins on the same page', (t: TestContext) => {
  const ids = (from: string | undefined, to: string) => rangeOf(page, from, to).map(({ id }) => id)
  t.assert.deepStrictEqual(ids('b', 'd'), ['b', 'c', 'd'])
  t.assert.deepStrictEqual(ids('d', 'b'), ['b', 'c', 'd'])
  t.assert.deepStrictEqual(ids(undefined, 'b'), ['b'])
  t.assert.deepStrictEqual(ids('z', 'b'), ['b'])
})

test('a selection survives another page', (t: TestContext) => {
  const first = select(nothing, page, rows('a'), true)
  const other = [{ id: 'x', isMine: true }]
  t.assert.deepStrictEqual([...select(first, other, other, true).items.keys()], ['a', 'x'])
  t.assert.strictEqual(pageState(first, other), 'none')
})

test('without one of its rows, a selection of all becomes that of the page', (t: TestContext) => {
  const all = { items: new Map(), isAll: true }
  t.assert.ok(isSelected(all, 'elsewhere'))
  const rest = select(all, page, rows('b'), false)
  t.assert.deepStrictEqual([[...rest.items.keys()], rest.isAll], [['a', 'c', 'd'], false])
})
