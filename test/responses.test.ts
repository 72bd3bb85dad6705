import { test, type TestContext } from 'node:test'

import { listen, openApp } from './support/app.ts'
import { tea } from './support/fixtures.ts'
import { exchange } from './support/raw-http.ts'

test('each JSON response ends with a line break', async (t: TestContext) => {
  const { app, send, signIn, register } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const created = await ada.post('/items', tea)
  const item = String(created.headers.location)
  const responses = [
    created,
    await register('grace@example.com'),
    await ada.get(item),
    await ada.patch(item, { price_usd: 5.49 }),
    await ada.get('/items'),
    await ada.get('/items?limit=1'),
    await ada.get('/items/summary'),
    await ada.get('/items/export?format=json'),
    await ada.post('/items/import', 'name', { 'content-type': 'text/csv' }),
    await ada.get('/items/7'),
    await ada.get('/nothing'),
    await send({ url: '/items/%zz' }),
    await send({ url: '/openapi.json' }),
    await ada.post('/store-managers/logout'),
  ].map(({ body, headers }) => ({ body, headers }))
  const malformed = await exchange(await listen(app), 'nonsense\r\n\r\n')
  for (const { body, headers } of [...responses, ...malformed]) {
    t.assert.match(String(headers['content-type']), /json/)
    t.assert.match(body, /^.+\n$/)
    const length = headers['content-length']
    if (length !== undefined) t.assert.strictEqual(Number(length), Buffer.byteLength(body))
  }
})
