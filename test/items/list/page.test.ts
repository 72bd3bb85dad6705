import { hash } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import * as fc from 'fast-check'

import { sorts } from '../../../src/items/query/schemas.ts'
import { type Manager, onServer, openApp, type TestApp } from '../../support/app.ts'
import { tea } from '../../support/fixtures.ts'

interface Item {
  id: string
  name: string
  category: string
  price_usd: number
  in_stock: boolean
}

test('each sort pages through every item once, with ties by ID', async (t: TestContext) => {
  const { app, ada } = await openStocked(t)
  const all = Object.values<Item>((await ada.get('/items')).json())
  t.assert.strictEqual(all.length, 40)
  // Microseconds apart, some of them equal.
  const micros = ({ name }: Item) => Number(hash('sha256', name, 'hex').slice(0, 1).replace(/\D/, '3'))
  for (const item of all) {
    const time = `2026-11-25 09:30:00.12300${micros(item)}+00`
    await onServer(
      app.server,
      `update ${app.context.config.pool.schema}.items set updated_at = '${time}' where id = '${item.id}'`,
    )
  }
  const collator = new Intl.Collator('und')
  const comparisons: Record<string, (a: Item, b: Item) => number> = {
    id: () => 0,
    name: (a, b) => collator.compare(a.name, b.name),
    price_usd: (a, b) => a.price_usd - b.price_usd,
    updated_at: (a, b) => micros(a) - micros(b),
  }
  for (const sort of sorts) {
    const compare = comparisons[sort.replace('-', '')] ?? (() => 0)
    const sign = sort.startsWith('-') ? -1 : 1
    const expected = all.toSorted((a, b) => sign * (compare(a, b) || (a.id < b.id ? -1 : 1)))
    const pages = await pagesOf(ada, `/items?limit=7&sort=${sort}`)
    t.assert.deepStrictEqual(
      pages.map((page) => page.length),
      [7, 7, 7, 7, 7, 5],
    )
    t.assert.deepStrictEqual(pages.flat(), expected, sort)
  }
})

test('items alike in what is sorted by are in the order of their IDs', async (t: TestContext) => {
  const { signIn, context, server } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { schema } = context.config.pool
  // Without an index, which would order them by ID anyway.
  const { rows } = await onServer(
    server,
    'select indexname from pg_indexes where schemaname = $1 and tablename = $2 and indexname <> $3',
    [schema, 'items', 'items_pkey'],
  )
  for (const { indexname } of rows) await onServer(server, `drop index ${schema}.${indexname}`)
  const ids = Array.from({ length: 20 }, (_, n) => `019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a${n + 10}`)
  for (let n = 0; n < 20; n++) {
    const id = ids[(n * 7) % 20] as string
    await context.db
      .insertInto('items')
      .values({ ...tea, id, store_manager_id: ada.id, updated_at: new Date(0) })
      .execute()
  }
  for (const sort of sorts) {
    const found = (await pagesOf(ada, `/items?limit=8&sort=${sort}`)).flat().map(({ id }) => id)
    t.assert.deepStrictEqual(found, sort.startsWith('-') ? ids.toReversed() : ids, sort)
  }
})

test('a page that ends at a bound of the price keeps the bound', async (t: TestContext) => {
  const { ada } = await openStocked(t)
  for (const [query, isListed] of [
    ['sort=price_usd&max_price=0.5', (price: number) => price <= 0.5],
    ['sort=-price_usd&min_price=1.5', (price: number) => price >= 1.5],
  ] as const) {
    const prices = (await pagesOf(ada, `/items?${query}&limit=3`)).flat().map(({ price_usd: price }) => price)
    const all = Object.values<Item>((await ada.get('/items')).json()).map(({ price_usd: price }) => price)
    t.assert.deepStrictEqual(prices.toSorted(), all.filter(isListed).toSorted(), query)
  }
})

test('names sort regardless of case and accents', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const name of ['Zucchini', 'apple', 'Éclair', 'Banana', 'eclair', 'zebra', 'ähre', 'Apple'])
    await ada.post('/items', { ...tea, name })
  const sorted = Object.values<Item>((await ada.get('/items?sort=name')).json()).map(({ name }) => name)
  t.assert.deepStrictEqual(sorted, ['ähre', 'apple', 'Apple', 'Banana', 'eclair', 'Éclair', 'zebra', 'Zucchini'])
})

test('any parameter but expand makes a page of 100', async (t: TestContext) => {
  const { app, ada } = await openStocked(t, 140)
  const sizes = async (url: string) => Object.keys((await ada.get(url)).json()).length
  t.assert.strictEqual(await sizes('/items'), 140)
  t.assert.strictEqual(await sizes('/items?expand=store_manager'), 140)
  t.assert.strictEqual(await sizes('/items?sort=id'), 100)
  t.assert.strictEqual(await sizes('/items?limit=1000'), 140)
  const whole = await ada.get('/items')
  t.assert.strictEqual(whole.headers.link, undefined)
  t.assert.strictEqual((await ada.get('/items?limit=1000')).body, whole.body)
  for (const expand of [
    'expand=store_manager',
    'expand=dates',
    'expand=version',
    'expand=version&expand=store_manager',
    'expand=version&expand=dates&expand=store_manager&expand=dates',
  ])
    t.assert.strictEqual((await ada.get(`/items?limit=1000&${expand}`)).body, (await ada.get(`/items?${expand}`)).body)
  const head = await app.send({
    method: 'HEAD',
    url: '/items?limit=2',
    headers: { authorization: `Bearer ${ada.token}` },
  })
  t.assert.strictEqual(head.statusCode, 200)
  t.assert.match(String(head.headers.link), /rel="next"/)
  t.assert.strictEqual(head.body, '')
})

test('Link keeps the query and never names a host', async (t: TestContext) => {
  const { app, ada } = await openStocked(t)
  const url =
    '/items?expand=dates&expand=version&category=Grocery&category=Pet&q=a%26b+%C3%A9&sort=-price_usd&count=exact&store_manager_id=me&limit=1'
  await ada.post('/items', { ...tea, name: 'A&B é' })
  await ada.post('/items', { ...tea, name: 'É a&b', category: 'Pet' })
  const answer = await app.send({
    url,
    headers: { authorization: `Bearer ${ada.token}`, host: 'evil.example' },
  })
  const { next, first } = linksOf(answer.headers.link)
  for (const link of [next, first]) t.assert.match(link ?? '', /^\/items\?/)
  const parameters = new URLSearchParams(next?.slice('/items?'.length))
  t.assert.ok(parameters.get('after'))
  parameters.delete('after')
  const asked = new URLSearchParams(url.slice('/items?'.length))
  for (const each of [parameters, new URLSearchParams(first?.slice('/items?'.length))])
    t.assert.deepStrictEqual([...each].toSorted(), [...asked].toSorted())
  t.assert.strictEqual(answer.headers['x-total-count'], '2')
  t.assert.strictEqual((await pagesOf(ada, url)).length, 2)

  const last = await ada.get(
    `/items?after=${new URLSearchParams(linksOf((await ada.get('/items?limit=1')).headers.link).next).get('after')}`,
  )
  t.assert.deepStrictEqual(linksOf(last.headers.link), { first: '/items?limit=100' })
})

test('X-Next-After is the cursor of the next page, and the last page has none', async (t: TestContext) => {
  const { ada } = await openStocked(t)
  const pages: Item[][] = []
  for (let after: string | undefined = ''; after !== undefined;) {
    const { headers, ...answer } = await ada.get(`/items?sort=-name&limit=15${after && `&after=${after}`}`)
    pages.push(Object.values(answer.json()))
    after = headers['x-next-after'] as string | undefined
  }
  t.assert.deepStrictEqual(pages, await pagesOf(ada, '/items?sort=-name&limit=15'))
  t.assert.strictEqual(pages.length, 3)
  const full = await ada.get(`/items?limit=${pages.flat().length}`)
  t.assert.strictEqual(Object.keys(full.json()).length, pages.flat().length)
  t.assert.strictEqual(full.headers['x-next-after'], undefined)
  t.assert.strictEqual((await ada.get('/items')).headers['x-next-after'], undefined)
})

test('a cursor of another sort, or a forged one, is refused by name', async (t: TestContext) => {
  const { ada } = await openStocked(t)
  const cursor = async (sort: string) =>
    new URLSearchParams(linksOf((await ada.get(`/items?limit=1&sort=${sort}`)).headers.link).next).get('after') ?? ''
  const refused = async (sort: string, after: string) => {
    const answer = await ada.get(`/items?sort=${sort}&after=${encodeURIComponent(after)}`)
    t.assert.strictEqual(answer.statusCode, 422, `${sort} ${Buffer.from(after, 'base64url').toString()}`)
    t.assert.deepStrictEqual(answer.json().errors[0].loc, ['query', 'after'])
  }
  await refused('name', await cursor('price_usd'))
  await refused('id', await cursor('-id'))
  await refused('updated_at', await cursor('-updated_at'))
  const id = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
  for (const [sort, key] of [
    ['name', ''],
    ['name', 'a\0'],
    ['name', '\ud800'],
    ['-price_usd', 'NaN'],
    ['price_usd', '-1'],
    ['price_usd', '1e3'],
    ['id', '1'],
    ['updated_at', '2025-11-10T15:37:32.458000Zx'],
    ['updated_at', 'x2025-11-10T15:37:32.458000Z'],
  ] as const)
    await refused(sort, Buffer.from(JSON.stringify([sort, id, key])).toString('base64url'))
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('NaN', '-1', '1e3', '', '\0', '\ud800', "'; --"),
  )
  for (const time of ['2026-02-30T00:00:00.000000Z', '2026-11-25T24:00:00.000000Z', '2026-11-25T09:30:00Z', 'now']) {
    await refused('updated_at', Buffer.from(JSON.stringify(['updated_at', id, time])).toString('base64url'))
  }
  const ids = fc.oneof(fc.constant(id), fc.constantFrom('1', `${id}0`, `urn:uuid:${id}`, `{${id}}`), fc.jsonValue())
  const keys = fc.oneof(texts, fc.jsonValue())
  const cursors = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(ids, keys).map((rest) => (sort: string) => JSON.stringify([sort, ...rest])) },
    { weight: 1, arbitrary: fc.oneof(fc.json(), texts).map((text) => () => text) },
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...sorts), cursors, async (sort, write) => {
      const after = Buffer.from(write(sort)).toString('base64url')
      const answer = await ada.get(`/items?sort=${sort}&after=${after}`)
      t.assert.ok([200, 422].includes(answer.statusCode), `${answer.statusCode} to ${write(sort)}`)
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 200) },
  )
})

test('all invalid parameters are named together', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const refused = async (query: string) => {
    const answer = await ada.get(`/items?${query}`)
    t.assert.strictEqual(answer.statusCode, 422, query)
    return answer.json().errors.map(({ loc, msg }: { loc: string[]; msg: string }) => `${loc.join('.')} ${msg}`)
  }
  t.assert.deepStrictEqual(
    await refused(
      'limit=1001&after=&category=Pet&category=Toys&in_stock=yes&store_manager_id=you&min_price=-1&max_price=x&q=&sort=age&count=all',
    ),
    [
      'query.limit must be at most 1000',
      'query.after must have at least 1 character',
      'query.category.1 must be one of "Grocery", "Household", "Electronics", "Stationery", "Personal Care", "Apparel", "Home Improvement", "Pet"',
      'query.in_stock must be true or false',
      'query.store_manager_id must be a UUID such as 0190a6f2-7c1e-7b3a-9d5e-2f1c8e4b6a70, or me',
      'query.min_price must be at least 0',
      'query.max_price must be a number',
      'query.q must have at least 1 character',
      'query.sort must be one of "id", "-id", "name", "-name", "price_usd", "-price_usd", "updated_at", "-updated_at"',
      'query.count must be one of "exact", "estimated"',
    ],
  )
  for (const limit of ['0', '1.5', 'ten', '1&limit=2'])
    t.assert.strictEqual((await refused(`limit=${limit}`)).length, 1)
  for (const [query, reason] of [
    ['min_price=Infinity', 'query.min_price must be a number'],
    ['max_price=1e999', 'query.max_price must be exactly representable as a 64-bit float'],
  ]) {
    t.assert.deepStrictEqual(await refused(`${query}&limit=1`), [reason])
    t.assert.strictEqual((await ada.get(`/items/export?${query}`)).statusCode, 422)
    t.assert.strictEqual((await ada.get(`/items/summary?${query}`)).statusCode, 422)
  }
  t.assert.deepStrictEqual(await refused(`min_price=2&max_price=1&q=${'a+'.repeat(11)}`), [
    'query.min_price must be at most max_price',
    'query.q must have at most 10 words',
  ])
})

test('Link fits into a header for every query', async (t: TestContext) => {
  const { app, ada } = await openStocked(t, 0)
  const name = '\u0001'.repeat(64)
  for (let n = 0; n < 3; n++) await ada.post('/items', { ...tea, name, price_usd: 5e-324 })
  const longest = `q=${encodeURIComponent('\u{10FFFF}'.repeat(200))}`
  const categories = 'category=Pet&'.repeat(1_100)
  for (const query of [
    `${categories}category=Household`,
    `sort=-name&q=${encodeURIComponent('\u0001')}`,
    'sort=price_usd',
    longest,
  ]) {
    const answer = await ada.get(`/items?limit=1&${query}`)
    t.assert.strictEqual(answer.statusCode, 200)
    const { length } = String(answer.headers.link)
    t.assert.ok(length < 8_192, `${length} bytes of Link for ${query.slice(0, 40)}`)
  }
  const { link } = (await ada.get(`/items?limit=1&${categories}category=Household`)).headers
  t.assert.strictEqual(linksOf(link).first, '/items?limit=1&category=Pet&category=Household')
  t.assert.ok(app.log.length > 0)
})

test('paging during writes neither repeats nor misses items', async (t: TestContext) => {
  const { app, ada } = await openStocked(t, 600)
  const { schema } = app.context.config.pool
  const kept = Object.values<Item>((await ada.get('/items')).json())
  const reading = new AbortController()
  const write = async () => {
    for (let n = 0; !reading.signal.aborted; n++) {
      const { id } = (await ada.post('/items', { ...tea, name: `${'azAÉ'[n % 4]} new ${n}`, price_usd: n % 10 })).json()
      const { id: other } = kept[(n * 37) % kept.length] as Item
      // What nothing is sorted by.
      await ada.patch(`/items/${other}`, { in_stock: n % 2 > 0, category: 'Pet' })
      if (n % 2 > 0) await ada.delete(`/items/${id}`)
      else await ada.patch(`/items/${id}`, { name: `${'zaéZ'[n % 4]} moved`, price_usd: 10 - (n % 10) })
    }
  }
  const writers = [write(), write()]
  for (const sort of sorts.filter((each) => !each.endsWith('updated_at'))) {
    const seen = (await pagesOf(ada, `/items?limit=10&sort=${sort}`)).flat().map(({ id }) => id)
    const missed = kept.filter(({ id }) => !seen.includes(id))
    t.assert.deepStrictEqual(missed, [], `${sort} missed some`)
    const stayed = seen.filter((id) => kept.some((item) => item.id === id))
    t.assert.strictEqual(new Set(stayed).size, stayed.length, `${sort} gave one twice`)
  }
  reading.abort()
  await Promise.all(writers)
  const { rows } = await onServer(app.server, `select count(*)::int from ${schema}.items`)
  t.assert.ok(rows[0].count > kept.length)
})

test('the count of all pages is exact, estimated, or omitted', async (t: TestContext) => {
  const { app, ada } = await openStocked(t, 120)
  const { schema } = app.context.config.pool
  await onServer(app.server, `analyze ${schema}.items`)
  const counted = async (query: string) => (await ada.get(`/items?limit=5&${query}`)).headers['x-total-count']
  t.assert.strictEqual(await counted('count=exact'), '120')
  t.assert.strictEqual(await counted('count=exact&category=Pet'), '15')
  t.assert.strictEqual(await counted('count=exact&q=none'), '0')
  t.assert.strictEqual(await counted('count=estimated'), '120')
  t.assert.strictEqual(await counted('count=estimated&category=Pet'), '15')
  t.assert.strictEqual(await counted('count=estimated&min_price=1e9'), '0')
  t.assert.strictEqual(await counted('count=estimated&min_price=1e9&q=tea'), '0')
  const whole = await ada.get('/items?limit=100&count=estimated&category=Pet&in_stock=true')
  t.assert.strictEqual(whole.headers['x-total-count'], '10')
  app.log.length = 0
  t.assert.strictEqual(await counted('category=Pet'), undefined)
  t.assert.doesNotMatch(app.log.join(''), /count\(|explain/)
})

interface Stocked {
  app: TestApp
  ada: Manager
}

/** Items whose names and prices repeat, so that many are alike in what they are sorted by. */
async function openStocked(t: TestContext, count = 40): Promise<Stocked> {
  const app = await openApp(t, { POSTGRES_ECHO: 'true' })
  const ada = await app.signIn('ada@example.com')
  await onServer(
    app.server,
    `insert into ${app.context.config.pool.schema}.items
       select gen_random_uuid(), (array['Tea', 'tea', 'Éclair', 'eclair', 'Zebra', 'a'||chr(9)||'"', '10', '9'])[1 + n % 8] || ' ' || n / 16,
         (array['Grocery','Household','Electronics','Stationery','Personal Care','Apparel','Home Improvement','Pet'])[1 + n % 8],
         (n % 9) / 4.0, n % 3 > 0, $1 from generate_series(1, $2::int) n`,
    [ada.id, count],
  )
  return { app, ada }
}

/** The items of each page from `url` on, as `Link` leads from one to the next. */
async function pagesOf(manager: Manager, url: string): Promise<Item[][]> {
  const pages: Item[][] = []
  for (let next: string | undefined = url; next !== undefined;) {
    const answer = await manager.get(next)
    if (answer.statusCode !== 200) throw new Error(answer.body)
    pages.push(Object.values(answer.json()))
    if (pages.length > 2_000) throw new Error('the pages have no end')
    next = linksOf(answer.headers.link).next
  }
  return pages
}

function linksOf(header: unknown): { next?: string; first?: string } {
  const links = String(header).matchAll(/<([^>]*)>; rel="(next|first)"/g)
  return Object.fromEntries([...links].map(([, target, relation]) => [relation, target]))
}
