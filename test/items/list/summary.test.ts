import { test, type TestContext } from 'node:test'

import { onServer, openApp } from '../../support/app.ts'

const soap = { name: 'Soap', category: 'Household', price_usd: 2.5, in_stock: true }

test('the summary covers all items, categories, and price ranges', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const empty = (await ada.get('/items/summary')).json()
  const none = { items: 0, in_stock: 0, value_usd: 0 }
  t.assert.deepStrictEqual(
    { ...empty, by_category: empty.by_category.Pet, prices: empty.prices[0] },
    { ...none, by_category: none, prices: { from: 0, to: 1, items: 0 } },
  )

  await ada.post('/items', soap)
  await ada.post('/items', { ...soap, price_usd: 5, in_stock: false })
  await ada.post('/items', { ...soap, price_usd: 4.99, category: 'Pet' })
  await ada.post('/items', { ...soap, price_usd: 1e6, category: 'Electronics' })
  const answer = await ada.get('/items/summary')
  t.assert.strictEqual(answer.statusCode, 200)
  const { by_category: byCategory, prices, ...totals } = answer.json()
  t.assert.deepStrictEqual(totals, { items: 4, in_stock: 3, value_usd: 1000012.49 })
  t.assert.deepStrictEqual(Object.keys(byCategory), [
    'Grocery',
    'Household',
    'Electronics',
    'Stationery',
    'Personal Care',
    'Apparel',
    'Home Improvement',
    'Pet',
  ])
  t.assert.deepStrictEqual(byCategory.Household, { items: 2, in_stock: 1, value_usd: 7.5 })
  t.assert.deepStrictEqual(byCategory.Pet, { items: 1, in_stock: 1, value_usd: 4.99 })
  t.assert.deepStrictEqual(byCategory.Grocery, none)
  const filled = prices.filter(({ items }: { items: number }) => items > 0)
  t.assert.deepStrictEqual(filled, [
    { from: 2, to: 5, items: 2 },
    { from: 5, to: 10, items: 1 },
    { from: 10000, to: null, items: 1 },
  ])
  const bounds = prices.flatMap(({ from, to }: { from: number; to: number | null }) => [from, to])
  t.assert.deepStrictEqual(
    bounds.slice(1, -1).filter((_: number, index: number) => index % 2 > 0),
    bounds.slice(1, -1).filter((_: number, index: number) => index % 2 === 0),
  )
})

test('the sum is exact where a sum of floats is not', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const price of [9007199254740992, 0.1, 0.2, 1e-7]) await ada.post('/items', { ...soap, price_usd: price })
  for (const query of ['', '?q=soap'])
    t.assert.match(
      (await ada.get(`/items/summary${query}`)).body,
      /^\{"items":4,"in_stock":4,"value_usd":9007199254740992\.3000001,/,
    )
})

test('a sum beyond a double is null, and the others are numbers', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const price of [1.7e308, 1.7e308]) await ada.post('/items', { ...soap, price_usd: price })
  await ada.post('/items', { ...soap, category: 'Pet' })
  for (const query of ['', '?q=soap']) {
    const { value_usd: value, by_category: by } = (await ada.get(`/items/summary${query}`)).json()
    t.assert.deepStrictEqual([value, by.Household.value_usd, by.Pet.value_usd], [null, null, 2.5])
  }
  const one = (await ada.get('/items/summary?min_price=1e308&category=Pet')).json()
  t.assert.strictEqual(one.value_usd, 0)
})

test('a summary from the index equals one from the rows', async (t: TestContext) => {
  const { signIn, server, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  await onServer(
    server,
    `insert into ${context.config.pool.schema}.items
       select gen_random_uuid(), 'Soap', (array['Pet', 'Apparel'])[1 + n % 2], n * n / 100.0, n % 3 > 0, $1
       from generate_series(0, 1100) n`,
    [ada.id],
  )
  // Each of them has all items, and the second cannot be read from the index.
  for (const query of [
    '',
    '&category=Pet&in_stock=false',
    '&min_price=1&max_price=2',
    '&min_price=20.25&category=Pet&category=Pet',
  ]) {
    const indexed = await ada.get(`/items/summary?${query}`)
    const rows = await ada.get(`/items/summary?q=SOAP${query}`)
    t.assert.strictEqual(indexed.body, rows.body)
    t.assert.ok(indexed.json().items > 0)
  }
})
