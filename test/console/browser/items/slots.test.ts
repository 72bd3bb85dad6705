import { test, type TestContext } from 'node:test'

import { slotsOf } from '../../../../console/src/items/slots.ts'

test('another page takes the rows of the one before', (t: TestContext) => {
  const first = slotsOf(['a', 'b', 'c'], new Map())
  t.assert.deepStrictEqual([...slotsOf(['d', 'e', 'f'], first).values()], [0, 1, 2])
})

test('an item keeps its row, and a new one takes a free row', (t: TestContext) => {
  const before = slotsOf(['a', 'b', 'c'], new Map())
  const after = slotsOf(['new', 'a', 'c', 'more'], before)
  t.assert.deepStrictEqual(Object.fromEntries(after), { a: 0, c: 2, new: 1, more: 3 })
})
