import { test, type TestContext } from 'node:test'

import { formatsOf } from '../../../../console/src/format.ts'
import { changesOf, conflictsOf, emptyItem, isComplete, readForm, toForm } from '../../../../console/src/items/form.ts'
import type { Item } from '../../../../src/client/client.ts'

const { parsePrice, plainPrice } = formatsOf(['en-US'])
const base: Item = {
  id: '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70',
  name: 'Green tea',
  category: 'Grocery',
  price_usd: 4.5,
  in_stock: true,
  store_manager_id: '019a6f1d-52c4-7d09-8f3e-6b0a94c7e215',
}

test('a form is complete if each field is valid', (t: TestContext) => {
  const form = toForm(base, plainPrice)
  t.assert.deepStrictEqual(form, { name: 'Green tea', category: 'Grocery', price: '4.50', isInStock: true })
  t.assert.ok(isComplete(readForm(form, parsePrice)))
  for (const invalid of [{ name: ' ' }, { name: 'x'.repeat(65) }, { category: '' as const }, { price: 'x' }])
    t.assert.ok(!isComplete(readForm({ ...form, ...invalid }, parsePrice)), JSON.stringify(invalid))
  t.assert.ok(isComplete(readForm({ ...form, name: '😀'.repeat(64) }, parsePrice)))
  t.assert.ok(!isComplete(readForm(emptyItem, parsePrice)))
})

test('only fields that differ are sent', (t: TestContext) => {
  t.assert.deepStrictEqual(changesOf(readForm(toForm(base, plainPrice), parsePrice), base), {})
  t.assert.deepStrictEqual(changesOf({ name: 'Black tea', price_usd: 4.5, in_stock: false }, base), {
    name: 'Black tea',
    in_stock: false,
  })
})

test('a conflict is a field that two changed to different values', (t: TestContext) => {
  const changes = { name: 'Black tea', price_usd: 5 }
  t.assert.deepStrictEqual(conflictsOf(changes, base, { ...base, price_usd: 6 }), ['price_usd'])
  t.assert.deepStrictEqual(conflictsOf(changes, base, { ...base, price_usd: 5 }), [])
  t.assert.deepStrictEqual(conflictsOf(changes, base, { ...base, in_stock: false }), [])
})
