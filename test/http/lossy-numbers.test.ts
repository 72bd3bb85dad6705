import { test, type TestContext } from 'node:test'

import { cpuTime } from '../support/cpu-time.ts'
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

test('looking for such numbers takes little time for any body', async (t: TestContext) => {
  const { ada } = await openImporting(t)
  const type = { 'content-type': 'application/json' }
  const begunAt = cpuTime()
  for (const part of ['{}', '""', '1e1', '\\"']) {
    const payload = `["1e1"${`,${part}`.repeat(1_000_000 / (part.length + 1))}]`
    t.assert.match(String((await ada.post('/items/bulk', payload, type)).statusCode), /^4(?:00|22)$/)
  }
  t.assert.ok(cpuTime() - begunAt < 1_500, `${cpuTime() - begunAt} ms`)
})
