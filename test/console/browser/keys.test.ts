import { test, type TestContext } from 'node:test'

import { createKeyReader, type KeyContext } from '../../../console/src/keys.ts'

const free = { areOn: true, isTyping: false }

test('keys have names, with a prefix or Shift', (t: TestContext) => {
  const press = reader()
  t.assert.strictEqual(press('/'), '/')
  t.assert.strictEqual(press('?', { shiftKey: true }), '?')
  t.assert.strictEqual(press('x'), 'x')
  t.assert.strictEqual(press('X', { shiftKey: true }), 'Shift+x')
  t.assert.strictEqual(press('g'), undefined)
  t.assert.strictEqual(press('i'), 'g i')
  t.assert.strictEqual(press('i'), 'i')
  t.assert.strictEqual(press('ArrowDown'), 'ArrowDown')
})

test('keys of the browser, and keys in fields, are left alone', (t: TestContext) => {
  const press = reader()
  for (const modifier of ['ctrlKey', 'metaKey', 'altKey'])
    t.assert.strictEqual(press('n', { [modifier]: true }), undefined)
  t.assert.strictEqual(press('n', {}, { ...free, isTyping: true }), undefined)
  t.assert.strictEqual(press('n', {}, { ...free, areOn: false }), undefined)
})

test('a prefix ends after a while, or in a field', (t: TestContext) => {
  const press = reader()
  press('g', {}, free, 0)
  t.assert.strictEqual(press('i', {}, free, 5_000), 'i')
  press('g', {}, free, 6_000)
  t.assert.strictEqual(press('Shift', { shiftKey: true }, free, 6_100), undefined)
  t.assert.strictEqual(press('o', {}, free, 6_200), 'g o')
})

function reader() {
  const read = createKeyReader()
  const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false }
  return (key: string, modifiers: object = {}, context: KeyContext = free, now = 0) =>
    read({ key, ...none, ...modifiers }, context, now)
}
