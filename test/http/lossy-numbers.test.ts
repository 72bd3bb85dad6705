import { test, type TestContext } from 'node:test'

import { header, lines, openImporting } from '../support/imports.ts'

/** Numbers of 16 digits and more that a double would change, and neighbors that it holds. */
const lossy = [
  '9007199254740993',
  '9007199254740995',
  '4503599627370497.3',
  '9007199254740993e1',
  '0.12345678901234567',
  '99999999.999999999',
]
const exact = [
  '9007199254740992',
  '9007199254740994',
  '0.1',
  '0.9007199254740993',
  '1234567890123456',
  '1.5000000000000000',
  '1.5e-4',
  '15e2',
]

test('a number that a double would change is refused in each format', async (t: TestContext) => {
  const { ada, upload } = await openImporting(t)
  const json = (price: string) => `{"name":"a","category":"Pet","price_usd":${price},"in_stock":true}`
  const type = { 'content-type': 'application/json' }
  const { id } = (await ada.post('/items', json('1'), type)).json()
  const ways: Record<string, (price: string) => Promise<number>> = {
    'POST /items': async (price) => (await ada.post('/items', json(price), type)).statusCode,
    'PATCH /items': async (price) => (await ada.patch(`/items/${id}`, `{"price_usd":${price}}`, type)).statusCode,
    CSV: async (price) => (await upload(lines(header, `a,Pet,${price},true`))).status,
    NDJSON: async (price) => (await upload(json(price))).status,
  }
  for (const [way, send] of Object.entries(ways)) {
    for (const price of lossy) t.assert.strictEqual(await send(price), 422, `${way} ${price}`)
    for (const price of exact) t.assert.match(String(await send(price)), /^20[01]$/, `${way} ${price}`)
  }
})
