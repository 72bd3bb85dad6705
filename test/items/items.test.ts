import { test, type TestContext } from 'node:test'

import { categories } from '../../src/database/constraints.ts'
import { onServer, openApp } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'

const nobodys = '/items/019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'

test('a created item belongs to its manager and is at its Location', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const created = await ada.post('/items', tea)
  const item = created.json()
  t.assert.strictEqual(created.statusCode, 201)
  t.assert.deepStrictEqual(item, { ...tea, id: item.id, store_manager_id: ada.id })
  t.assert.match(item.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.assert.strictEqual(created.headers.location, `/items/${item.id}`)
  const got = await ada.get(`/items/${item.id}`)
  t.assert.strictEqual(got.statusCode, 200)
  t.assert.deepStrictEqual(got.json(), item)
})

test('a later item has a greater ID, within a millisecond too', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const ids: string[] = []
  for (let count = 0; count < 200; count++) ids.push((await ada.post('/items', tea)).json().id)
  t.assert.deepStrictEqual(ids, ids.toSorted())
})

test('every category is accepted', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const category of categories) {
    const created = await ada.post('/items', { ...tea, category })
    t.assert.strictEqual(created.statusCode, 201)
    t.assert.strictEqual(created.json().category, category)
  }
})

test('the list maps IDs to items of all managers, oldest first', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  t.assert.deepStrictEqual((await ada.get('/items')).json(), {})
  const first = (await ada.post('/items', tea)).json()
  const second = (await grace.post('/items', { ...tea, name: 'Soap', category: 'Household' })).json()
  // Its row is now behind the other one in the table.
  const changed = (await ada.patch(`/items/${first.id}`, { price_usd: 5 })).json()
  const list = await ada.get('/items')
  t.assert.strictEqual(list.statusCode, 200)
  t.assert.deepStrictEqual(list.json(), { [first.id]: changed, [second.id]: second })
  t.assert.deepStrictEqual(Object.keys(list.json()), [first.id, second.id])
})

test('expand=store_manager adds the ID and name of the owner', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  const owner = { id: ada.id, name: 'Ada Lovelace' }
  t.assert.deepStrictEqual((await grace.get(`/items/${id}?expand=store_manager`)).json().store_manager, owner)
  t.assert.deepStrictEqual((await grace.get('/items?expand=store_manager')).json()[id].store_manager, owner)
  t.assert.strictEqual((await grace.get(`/items/${id}`)).json().store_manager, undefined)
  const refused = await grace.get('/items?expand=password')
  t.assert.strictEqual(refused.statusCode, 422)
  t.assert.deepStrictEqual(refused.json().errors, [
    { type: 'enum', loc: ['query', 'expand', 0], msg: 'must be one of "store_manager", "dates", "version"' },
  ])
})

test('expand=dates and expand=version add dates and the version', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const item = (await ada.post('/items', tea)).json()
  const url = `/items/${item.id}`
  const dates = (await ada.get(`${url}?expand=dates`)).json()
  t.assert.deepStrictEqual(dates, { ...item, created_at: dates.created_at, updated_at: dates.created_at })
  t.assert.match(dates.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.assert.ok(Math.abs(Date.now() - Date.parse(dates.created_at)) < 600_000)
  const changed = (await ada.patch(url, { price_usd: 5 })).json()
  t.assert.deepStrictEqual(changed, { ...item, price_usd: 5 })
  const { created_at, updated_at } = (await ada.get(`${url}?expand=dates`)).json()
  t.assert.strictEqual(created_at, dates.created_at)
  t.assert.ok(updated_at > created_at)
  const whole = { ...changed, store_manager: { id: ada.id, name: 'Ada Lovelace' }, created_at, updated_at, version: 2 }
  const all = 'expand=version&expand=dates&expand=store_manager'
  t.assert.deepStrictEqual((await ada.get(`${url}?${all}`)).json(), whole)
  for (const list of ['/items?', '/items?limit=5&'])
    t.assert.deepStrictEqual((await ada.get(list + all)).json(), { [item.id]: whole })
  t.assert.deepStrictEqual((await ada.get(url)).json(), changed)
  t.assert.deepStrictEqual((await ada.get('/items')).json(), { [item.id]: changed })
})

test('the version of a list is one for If-Match', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  const change = async (price_usd: number, version: number) =>
    (await ada.patch(`/items/${id}`, { price_usd }, { 'if-match': `"${version}"` })).statusCode
  const { version } = (await ada.get('/items?expand=version')).json()[id]
  t.assert.strictEqual(await change(5, version), 200)
  t.assert.strictEqual(await change(6, version), 412)
})

test('an item without created_at has the time of its UUIDv7, or null', async (t: TestContext) => {
  const { signIn, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const times = {
    '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70': '2025-11-10T19:08:32.158Z',
    '019a6f2b-7c1e-4b3a-9d5e-2f1c8e4b6a70': null,
    '019a6f2b-7c1e-7b3a-1d5e-2f1c8e4b6a70': null,
    'ffffffff-ffff-7b3a-9d5e-2f1c8e4b6a70': null,
  }
  const rows = Object.keys(times).map((id) => Object.assign({ id, store_manager_id: ada.id, created_at: null }, tea))
  await context.db.insertInto('items').values(rows).execute()
  for (const [id, time] of Object.entries(times)) {
    for (const list of ['/items?expand=dates', '/items?expand=dates&limit=5'])
      t.assert.strictEqual((await ada.get(list)).json()[id].created_at, time)
    t.assert.strictEqual((await ada.get(`/items/${id}?expand=dates`)).json().created_at, time)
  }
})

const prices = ['0', '0.1', '131072.13', '99999999.99', '1000000000000000.5', '5e-324', '1.7976931348623157e308', '-0']

for (const price of prices) {
  test(`the price ${price} comes back as it went in`, async (t: TestContext) => {
    const { signIn } = await openApp(t)
    const ada = await signIn('ada@example.com')
    const json = JSON.stringify(tea).replace('4.99', price)
    const created = await ada.post('/items', json, { 'content-type': 'application/json' })
    t.assert.strictEqual(created.statusCode, 201)
    const expected = price === '-0' ? 0 : Number(price)
    t.assert.ok(Object.is(created.json().price_usd, expected))
    t.assert.ok(Object.is((await ada.get(created.headers.location ?? '')).json().price_usd, expected))
  })
}

for (const price of ['1e400', '1e-400', '12345678901234567.89', '0.1000000000000000055']) {
  test(`the price ${price}, which a double would change, is refused`, async (t: TestContext) => {
    const { signIn } = await openApp(t)
    const ada = await signIn('ada@example.com')
    const json = JSON.stringify(tea).replace('4.99', price)
    const refused = await ada.post('/items', json, { 'content-type': 'application/json' })
    t.assert.strictEqual(refused.statusCode, 422)
    t.assert.deepStrictEqual(refused.json().errors, [
      {
        type: 'finite_number',
        loc: ['body', 'price_usd'],
        msg: 'must be exactly representable as a 64-bit float',
      },
    ])
  })
}

test('a long number in an unknown field does no harm', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const json = JSON.stringify(tea).replace('{', '{"weight":12345678901234567.89,')
  const created = await ada.post('/items', json, { 'content-type': 'application/json' })
  t.assert.strictEqual(created.statusCode, 201)
  t.assert.strictEqual(created.json().price_usd, 4.99)
})

const misfits: [what: string, change: object, field: string, type: string][] = [
  ['a number as its name', { name: 5 }, 'name', 'string_type'],
  ['an empty name', { name: '' }, 'name', 'string_too_short'],
  ['a name of 65 code points', { name: '🍵'.repeat(65) }, 'name', 'string_too_long'],
  ['a NUL in its name', { name: 'Green\0tea' }, 'name', 'string_pattern_mismatch'],
  ['a lone surrogate in its name', { name: 'Green \ud83c tea' }, 'name', 'string_pattern_mismatch'],
  ['no name', { name: undefined }, 'name', 'missing'],
  ['null as its name', { name: null }, 'name', 'string_type'],
  ['an unknown category', { category: 'grocery' }, 'category', 'enum'],
  ['no category', { category: undefined }, 'category', 'missing'],
  ['a negative price', { price_usd: -0.01 }, 'price_usd', 'greater_than_equal'],
  ['its price as text', { price_usd: '4.99' }, 'price_usd', 'float_type'],
  ['no price', { price_usd: undefined }, 'price_usd', 'missing'],
  ['"true" for in stock', { in_stock: 'true' }, 'in_stock', 'bool_type'],
  ['1 for in stock', { in_stock: 1 }, 'in_stock', 'bool_type'],
  ['nothing for in stock', { in_stock: undefined }, 'in_stock', 'missing'],
]

for (const [what, change, field, type] of misfits) {
  test(`an item with ${what} is refused, naming the field`, async (t: TestContext) => {
    const { signIn } = await openApp(t)
    const ada = await signIn('ada@example.com')
    const refused = await ada.post('/items', { ...tea, ...change })
    t.assert.strictEqual(refused.statusCode, 422)
    const { code, errors, detail } = refused.json()
    t.assert.strictEqual(code, 'invalid_request')
    t.assert.ok(errors.some((error: { loc: string[]; type: string }) => error.type === type))
    for (const error of errors) t.assert.deepStrictEqual(error.loc, ['body', field])
    t.assert.match(detail, new RegExp(`body\\.${field}`))
    t.assert.deepStrictEqual((await ada.get('/items')).json(), {})
  })
}

test('a name of 64 code points is accepted, however many bytes', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const name = '🍵'.repeat(64)
  const created = await ada.post('/items', { ...tea, name })
  t.assert.strictEqual(created.statusCode, 201)
  t.assert.strictEqual((await ada.get(created.headers.location ?? '')).json().name, name)
})

test('all problems of a request are reported together', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const refused = await ada.patch('/items/7', { name: '', category: 'Toys', price_usd: -1, in_stock: 'no' })
  t.assert.strictEqual(refused.statusCode, 422)
  const where = refused.json().errors.map(({ loc }: { loc: string[] }) => loc.join('.'))
  t.assert.deepStrictEqual(where, ['path.id', 'body.name', 'body.category', 'body.price_usd', 'body.in_stock'])
})

test('unknown fields are ignored', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  const json = `{"__proto__":{"in_stock":false},"constructor":1,"id":"${ada.id}","store_manager_id":"${grace.id}",`
  const body = JSON.stringify(tea).replace('{', json)
  const created = await ada.post('/items', body, { 'content-type': 'application/json' })
  t.assert.strictEqual(created.statusCode, 201)
  const item = created.json()
  t.assert.deepStrictEqual(item, { ...tea, id: item.id, store_manager_id: ada.id })
  t.assert.notStrictEqual(item.id, ada.id)
})

test('a change leaves absent and null fields alone', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const item = (await ada.post('/items', tea)).json()
  const changed = await ada.patch(`/items/${item.id}`, { price_usd: 5.49, name: null, category: null, in_stock: null })
  t.assert.strictEqual(changed.statusCode, 200)
  t.assert.deepStrictEqual(changed.json(), { ...item, price_usd: 5.49 })
  const all = { name: 'Soap', category: 'Household', price_usd: 0, in_stock: false }
  t.assert.deepStrictEqual((await ada.patch(`/items/${item.id}`, all)).json(), { ...item, ...all })
  t.assert.deepStrictEqual((await ada.get(`/items/${item.id}`)).json(), { ...item, ...all })
})

test('an empty change changes nothing and returns the item', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const item = (await ada.post('/items', tea)).json()
  const changed = await ada.patch(`/items/${item.id}`, {})
  t.assert.strictEqual(changed.statusCode, 200)
  t.assert.deepStrictEqual(changed.json(), item)
})

test('a deleted item gets 404', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  const deleted = await ada.delete(`/items/${id}`)
  t.assert.strictEqual(deleted.statusCode, 204)
  t.assert.strictEqual(deleted.body, '')
  t.assert.strictEqual((await ada.get(`/items/${id}`)).statusCode, 404)
  t.assert.strictEqual((await ada.delete(`/items/${id}`)).statusCode, 404)
})

for (const method of ['get', 'patch', 'delete'] as const) {
  test(`${method} of a missing item gets 404, of a malformed ID 422`, async (t: TestContext) => {
    const { signIn } = await openApp(t)
    const ada = await signIn('ada@example.com')
    const body = method === 'patch' ? {} : undefined
    const absent = await ada[method](nobodys, body)
    t.assert.strictEqual(absent.statusCode, 404)
    t.assert.strictEqual(absent.json().code, 'item_not_found')
    for (const id of ['7', `urn:uuid:${nobodys.slice(7)}`, '%00', 'x'.repeat(2000), `${nobodys.slice(7)}0`]) {
      const refused = await ada[method](`/items/${id}`, body)
      t.assert.strictEqual(refused.statusCode, 422)
      t.assert.deepStrictEqual(refused.json().errors[0].loc, ['path', 'id'])
    }
  })
}

test('an ID is the same in upper case', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const item = (await ada.post('/items', tea)).json()
  t.assert.deepStrictEqual((await ada.get(`/items/${item.id.toUpperCase()}`)).json(), item)
})

test('another manager may read an item, but not change or delete it', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  const item = (await ada.post('/items', tea)).json()
  t.assert.deepStrictEqual((await grace.get(`/items/${item.id}`)).json(), item)
  for (const refused of [
    await grace.patch(`/items/${item.id}`, { price_usd: 0 }),
    await grace.delete(`/items/${item.id}`),
  ]) {
    t.assert.strictEqual(refused.statusCode, 403)
    t.assert.strictEqual(refused.json().code, 'not_owner')
  }
  t.assert.deepStrictEqual((await ada.get(`/items/${item.id}`)).json(), item)
})

test('with ITEM_WRITES=shared every manager may change every item', async (t: TestContext) => {
  const { signIn } = await openApp(t, { ITEM_WRITES: 'shared' })
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  const item = (await ada.post('/items', tea)).json()
  const changed = await grace.patch(`/items/${item.id}`, { price_usd: 0 })
  t.assert.strictEqual(changed.statusCode, 200)
  t.assert.deepStrictEqual(changed.json(), { ...item, price_usd: 0 })
  t.assert.strictEqual((await grace.delete(`/items/${item.id}`)).statusCode, 204)
})

test('the tables refuse what the API never writes', async (t: TestContext) => {
  const { signIn, server, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { schema } = context.config.pool
  const insert = (name: string, price: string) =>
    onServer(server, `insert into ${schema}.items values (gen_random_uuid(), $1, 'Pet', $2, true, $3)`, [
      name,
      price,
      ada.id,
    ])
  await t.assert.rejects(insert('', '1'), /items_name_check/)
  await t.assert.rejects(insert('x'.repeat(65), '1'), /items_name_check/)
  for (const price of ['-1', 'NaN', 'Infinity']) await t.assert.rejects(insert('Tea', price), /items_price_usd_check/)
})
