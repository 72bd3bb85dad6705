import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'
import { cpuTime } from '../support/cpu-time.ts'
import { password } from '../support/fixtures.ts'

const item = { category: 'Grocery', price_usd: 4.99, in_stock: true }

const invisible = [
  ' ',
  '   ',
  '\t\r\n',
  '\u00A0\u3000',
  '\u200B',
  '\u200C\u200D\u2060\uFEFF',
  '\u3164',
  '\u115F\u1160\uFFA0',
  '\u00AD',
  '\u202E',
  '\u2028',
  '\u2800',
  '\u180E\uFE0F\u{E0041}',
  '\u0085\u001B',
  ' '.repeat(64),
]

const visible = [
  '.',
  ' a ',
  '\u200Bx',
  '\u0301',
  '0',
  '🍵',
  '👩\u200D👩\u200D👧',
  '茶',
  '\u{1FAE8}',
  '\u202E abc',
  '\uE000',
  ' \u2800·',
]

test('names without a visible character are refused', async (t: TestContext) => {
  const { signIn, send } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', { ...item, name: 'Tea' })).json()
  for (const name of invisible) {
    for (const refused of [
      await ada.post('/items', { ...item, name }),
      await ada.patch(`/items/${id}`, { name }),
      await ada.patch('/store-managers/me', { name }),
      await send({ method: 'POST', url: '/store-managers', payload: { name, email: 'eve@example.com', password } }),
    ]) {
      t.assert.strictEqual(refused.statusCode, 422, JSON.stringify(name))
      const [{ loc, msg }, ...more] = refused.json().errors
      t.assert.deepStrictEqual([loc, more], [['body', 'name'], []])
      t.assert.match(msg, /must contain a visible character/)
    }
    const row = JSON.stringify({ ...item, name })
    const imported = await ada.post('/items/import', row, { 'content-type': 'application/x-ndjson' })
    t.assert.deepStrictEqual([imported.statusCode, imported.json().errors[0].column], [422, 'name'])
  }
})

test('names with a visible character keep their spaces', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const name of visible) {
    const created = await ada.post('/items', { ...item, name })
    t.assert.deepStrictEqual([created.statusCode, created.json().name], [201, name], JSON.stringify(name))
    t.assert.strictEqual((await ada.patch('/store-managers/me', { name })).json().name, name)
  }
})

test('checking a long name takes linear time', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const part of [' ', 'a', '\u200B', ' a']) {
    const before = cpuTime()
    const name = `${part.repeat(60_000 / Buffer.byteLength(part))}\0`
    t.assert.strictEqual((await ada.post('/items', { ...item, name })).statusCode, 422)
    t.assert.ok(cpuTime() - before < 2_000)
  }
})
