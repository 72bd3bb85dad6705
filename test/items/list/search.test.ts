import { test, type TestContext } from 'node:test'

import * as fc from 'fast-check'
import { pino } from 'pino'

import { downgrade, upgrade } from '../../../src/database/migrate.ts'
import { namePattern } from '../../../src/openapi/schemas.ts'
import { type Manager, onServer, openApp, openAppOn, openSchema, type TestApp, testConfig } from '../../support/app.ts'
import { troublesomeTexts } from '../../support/arbitraries.ts'
import { tea } from '../../support/fixtures.ts'

interface Item {
  name: string
  category: string
  price_usd: number
  in_stock: boolean
  store_manager_id: string
}

const found: [q: string, name: string][] = [
  ['green tea', 'Green tea, 100 bags'],
  ['TEA gre', 'Green tea, 100 bags'],
  ['creme BRULEE', 'Crème brûlée'],
  ['CRÈME', 'creme fraiche'],
  ['cre\u0300me', 'Cr\u00e8me'],
  ['strasse', 'Straße'],
  ['ΟΔΟΣ', 'οδος'],
  ['σ', 'ς'],
  ['smorrebrod', 'Smørrebrød'],
  ['Łódź', 'lodz'],
  ['istanbul', 'İstanbul'],
  ['50%', 'off 50% now'],
  ['a_b', 'a_b'],
  ['\\', 'back\\slash'],
  ['x y', 'a\u00a0x\ny'],
  ['😀', 'smile 😀'],
]

const notFound: [q: string, name: string][] = [
  ['green coffee', 'Green tea'],
  ['50%', '500'],
  ['a_b', 'axb'],
  ['\\', '/'],
  ['greentea', 'green tea'],
]

for (const isIndexed of [true, false]) {
  const how = isIndexed ? 'with pg_trgm' : 'without pg_trgm'
  test(`q matches words regardless of case and accents, ${how}`, async (t: TestContext) => {
    const app = await openSearch(t, isIndexed)
    const ada = await app.signIn('ada@example.com')
    for (const [q, name] of [...found, ...notFound]) {
      const { id } = (await ada.post('/items', { ...tea, name })).json()
      const items = (await ada.get(`/items?q=${encodeURIComponent(q)}`)).json()
      t.assert.strictEqual(
        id in items,
        found.some((each) => each[0] === q && each[1] === name),
        `"${q}" in "${name}"`,
      )
      await ada.delete(`/items/${id}`)
    }
  })
}

test('a search finds any part of a name and nothing else', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const names = fc.constantFrom(
    ...troublesomeTexts.filter(
      (text) => text !== '' && new RegExp(namePattern, 'u').test(text) && Array.from(text).length <= 64,
    ),
  )
  await fc.assert(
    fc.asyncProperty(names, fc.nat(), fc.nat(), async (name, start, length) => {
      const { id } = (await ada.post('/items', { ...tea, name })).json()
      const points = Array.from(name)
      const from = start % points.length
      const part = points.slice(from, from + 1 + (length % 20)).join('')
      const answer = await ada.get(`/items?q=${encodeURIComponent(part)}`)
      t.assert.strictEqual(answer.statusCode, 200)
      t.assert.ok(id in answer.json(), `"${part}" in "${name}"`)
      t.assert.ok(!(id in (await ada.get(`/items?q=${encodeURIComponent(`${part}qzq`)}`)).json()))
      await ada.delete(`/items/${id}`)
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) },
  )
})

test('filters combine in lists, counts, and exports', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const bob = await app.signIn('bob@example.com')
  await stock(app, [ada, bob])
  const all = Object.values<Item>((await ada.get('/items')).json())
  const filters = fc.record(
    {
      category: fc.subarray(['Grocery', 'Pet', 'Apparel'], { minLength: 1 }),
      in_stock: fc.boolean(),
      store_manager_id: fc.constantFrom('me', bob.id, bob.id.toUpperCase()),
      min_price: fc.constantFrom(0, 1, 1.5, 3.25),
      max_price: fc.constantFrom(3.25, 4, 1e9),
      q: fc.constantFrom('tea', 'TÉA 1', '%', 'none'),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(filters, async ({ category, in_stock, store_manager_id, min_price, max_price, q }) => {
      const query = new URLSearchParams((category ?? []).map((each): [string, string] => ['category', each]))
      for (const [name, value] of Object.entries({ in_stock, store_manager_id, min_price, max_price, q }))
        if (value !== undefined) query.set(name, String(value))
      const owner = store_manager_id === 'me' ? ada.id : store_manager_id?.toLowerCase()
      const words = (q ?? '').toLowerCase().replace('é', 'e').split(' ')
      const expected = all.filter(
        (item) =>
          (category?.includes(item.category) ?? true) &&
          (in_stock ?? item.in_stock) === item.in_stock &&
          (owner ?? item.store_manager_id) === item.store_manager_id &&
          item.price_usd >= (min_price ?? 0) &&
          item.price_usd <= (max_price ?? Infinity) &&
          words.every((word) => item.name.toLowerCase().includes(word)),
      )
      const listed = await ada.get(`/items?limit=1000&count=exact&${query.toString()}`)
      t.assert.deepStrictEqual(Object.values(listed.json()), expected, query.toString())
      t.assert.strictEqual(listed.headers['x-total-count'], String(expected.length))
      const exported = await ada.get(`/items/export?format=json&${query.toString()}`)
      t.assert.strictEqual(exported.body, listed.body)
      const summary = (await ada.get(`/items/summary?${query.toString()}`)).json()
      t.assert.strictEqual(summary.items, expected.length)
      t.assert.strictEqual(summary.in_stock, expected.filter((item) => item.in_stock).length)
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) },
  )
})

/** 200 items of each manager. */
async function stock({ server, context }: TestApp, managers: Manager[]): Promise<void> {
  for (const { id } of managers) {
    await onServer(
      server,
      `insert into ${context.config.pool.schema}.items
         select gen_random_uuid(), case when n % 3 > 0 then 'Tea ' || n else 'Milk' end,
           (array['Grocery', 'Pet', 'Apparel', 'Household'])[1 + n % 4], n % 23 / 4.0, n % 5 > 0, $1
         from generate_series(1, 200) n`,
      [id],
    )
  }
}

/** An application whose schema has the index of words or, as where PostgreSQL has no pg_trgm, has none. */
async function openSearch(t: TestContext, isIndexed: boolean): Promise<TestApp> {
  const { server, schema } = await openSchema(t)
  const indexes = async () =>
    (
      await onServer(server, `select from pg_indexes where schemaname = $1 and indexname = 'items_words_index'`, [
        schema,
      ])
    ).rowCount
  t.assert.strictEqual(await indexes(), 1)
  if (!isIndexed) {
    await onServer(server, `drop index ${schema}.items_words_index`)
    t.assert.strictEqual(await indexes(), 0)
  }
  return openAppOn(t, server, testConfig(schema, { REGISTRATION_LIMIT_PER_ADDRESS: '0' }))
}

test('a database without pg_trgm is migrated up and down', async (t: TestContext) => {
  const { server, schema } = await openSchema(t, 'empty')
  const role = `${schema}_owner`
  const database = role
  const silent = pino({ level: 'silent' })
  await onServer(server, `create role ${role} login password 'x'`)
  await onServer(server, `create database ${database}`)
  const poor = { ...server, database, user: role, password: 'x' }
  t.after(async () => {
    await onServer(server, `drop database ${database} with (force)`)
    await onServer(server, `drop role ${role}`)
  })
  await onServer({ ...server, database }, `create schema ${schema} authorization ${role}`)
  const applied = await upgrade(poor, schema, silent)
  t.assert.ok(applied.length > 0)
  const { rows } = await onServer(
    { ...server, database },
    `select indexname from pg_indexes where schemaname = $1 and tablename = 'items' order by 1`,
    [schema],
  )
  t.assert.deepStrictEqual(
    rows.map(({ indexname }) => indexname),
    [
      'items_name_index',
      'items_pkey',
      'items_price_usd_index',
      'items_store_manager_id_index',
      'items_summary_index',
      'items_updated_at_index',
    ],
  )
  t.assert.deepStrictEqual(await downgrade(poor, schema, silent), applied.slice(-1))
})
