import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'

import * as fc from 'fast-check'

import { acceptsGzip } from '../../../src/http/compression.ts'
import { listen, type Manager, onServer, openApp, type TestApp } from '../../support/app.ts'
import { troublesomeTexts } from '../../support/arbitraries.ts'
import { terminateCopies, waitsOfCopies } from '../../support/copies.ts'
import { tea } from '../../support/fixtures.ts'
import { until } from '../../support/until.ts'

interface Item {
  id: string
  name: string
  category: string
  price_usd: number
  in_stock: boolean
  store_manager_id: string
}

const header = 'id,name,category,price_usd,in_stock,store_manager_id'
const prices = [0, 0.1, 5e-324, 1.7976931348623157e308, 1e21, 1e15 + 0.5, 1e-7, 4.5]

test('a refused export has no content coding', async (t: TestContext) => {
  const { signIn } = await openApp(t, { LIMIT_CONCURRENCY: '1000' })
  const ada = await signIn('ada@example.com')
  const exports = Array.from({ length: 100 }, () => ada.get('/items/export', undefined, { 'accept-encoding': 'gzip' }))
  const refused = (await Promise.all(exports)).filter(({ statusCode }) => statusCode === 503)
  t.assert.ok(refused.length > 0)
  for (const response of refused) {
    t.assert.strictEqual(response.json().code, 'too_busy')
    t.assert.strictEqual(response.headers['content-encoding'], undefined)
    t.assert.strictEqual(response.headers['content-disposition'], undefined)
  }
})

test('CSV follows RFC 4180, with minimal quotes and JSON numbers', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const names = [
    'Tea',
    'Tea, green',
    '19" rack',
    'two\r\nlines',
    'tab\there',
    ' =1 ',
    '\\N',
    '\\.',
    'back\\slash',
    'é 😀',
    '\b\f\v\u0001',
  ]
  for (const [n, name] of names.entries())
    await ada.post('/items', { ...tea, name, price_usd: prices[n % 8], in_stock: n % 2 > 0 })
  const items = Object.values<Item>((await ada.get('/items')).json())
  const answer = await ada.get('/items/export')
  t.assert.strictEqual(answer.statusCode, 200)
  t.assert.strictEqual(answer.headers['content-type'], 'text/csv; charset=utf-8; header=present')
  t.assert.strictEqual(
    answer.headers['content-disposition'],
    `attachment; filename="items-${new Date().toISOString().slice(0, 10)}.csv"`,
  )
  t.assert.strictEqual(answer.headers.vary, 'Accept-Encoding')
  const field = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const lines = items.map((item) =>
    [item.id, field(item.name), item.category, item.price_usd, item.in_stock, item.store_manager_id].join(','),
  )
  t.assert.strictEqual(answer.body, [header, ...lines, ''].join('\r\n'))
})

test('each format has all items in order, whatever their names', async (t: TestContext) => {
  const { signIn, server, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const name = fc.oneof(
    fc.constantFrom(...troublesomeTexts.filter((text) => Array.from(text).length <= 64)),
    fc.string({
      unit: fc.constantFrom('"', ',', '\r', '\n', '\\', 't', '=', "'", '\t', 'é', '\u2028'),
      minLength: 1,
      maxLength: 12,
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, fc.constantFrom(...prices)), { maxLength: 8 }), async (given) => {
      await onServer(server, `delete from ${context.config.pool.schema}.items`)
      for (const [each, price] of given) await ada.post('/items', { ...tea, name: each, price_usd: price })
      for (const sort of ['id', '-price_usd']) {
        const items = Object.values<Item>((await ada.get(`/items?limit=1000&sort=${sort}`)).json())
        const exported = async (format: string) => (await ada.get(`/items/export?format=${format}&sort=${sort}`)).body
        t.assert.deepStrictEqual(Object.values(JSON.parse(await exported('json'))), items)
        const lines = (await exported('ndjson')).split('\n')
        t.assert.strictEqual(lines.pop(), '')
        t.assert.deepStrictEqual(
          lines.map((line) => JSON.parse(line)),
          items,
        )
        t.assert.deepStrictEqual(records(await exported('csv')), [
          header.split(','),
          ...items.map((item) => Object.values(item).map(String)),
        ])
      }
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 30) },
  )
})

test('safe=spreadsheet escapes formulas and changes nothing else', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const names = {
    '=1+1': "'=1+1",
    '\u00a0=1+1': "'\u00a0=1+1",
    '+1': "'+1",
    '-1': "'-1",
    '@SUM(A1)': "'@SUM(A1)",
    '\t=1': "'\t'=1",
    '\rx': "'\rx",
    'a=1': 'a=1',
    "'=1": "'=1",
    '=HYPERLINK("x","y")': '\'=HYPERLINK("x","y")',
    'x;=1+2;y': "x;'=1+2;y",
    'x;y;-1;+1': "x;y;'-1;'+1",
    'x\t@a\r\n=b\n=c': "x\t'@a\r\n'=b\n'=c",
    'x; "=1': 'x;\' "=1',
    'x,=1': 'x,=1',
    '＝1;＋1;－1;＠a': "'＝1;'＋1;'－1;'＠a",
    'tea; green – 5 %': 'tea; green – 5 %',
  }
  for (const name of Object.keys(names)) await ada.post('/items', { ...tea, name })
  const exported = async (query: string) => (await ada.get(`/items/export?${query}`)).body
  const namesIn = (text: string) =>
    records(text)
      .slice(1)
      .map(([, name]) => name)
  t.assert.deepStrictEqual(namesIn(await exported('format=csv')), Object.keys(names))
  const safe = await exported('safe=spreadsheet')
  t.assert.deepStrictEqual(namesIn(safe), Object.values(names))
  t.assert.ok(safe.startsWith(`\uFEFF"${header.replaceAll(',', '","')}"\r\n`))
  t.assert.ok(!(await exported('format=csv')).startsWith('\uFEFF'))
  const texts = records(safe)
    .slice(1)
    .map(([id, name = '', category, , , owner]) => [id ?? '', name.replaceAll('"', '""'), category ?? '', owner ?? ''])
  for (const text of texts.flat()) t.assert.ok(safe.includes(`"${text}"`), text)
})

test('no part of a safe file starts a formula, wherever it is split', async (t: TestContext) => {
  const { signIn, server, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const unit = fc.constantFrom(';', '\t', '\r', '\n', '=', '+', '-', '@', '"', ' ', "'", ',', 'a', '＝', 'é')
  await fc.assert(
    fc.asyncProperty(fc.string({ unit, minLength: 1, maxLength: 12 }), async (name) => {
      await onServer(server, `delete from ${context.config.pool.schema}.items`)
      await ada.post('/items', { ...tea, name })
      const { body } = await ada.get('/items/export?safe=spreadsheet')
      const split = body.slice(1).split(/[;\t\r\n]/)
      const fields = [
        ...split,
        ...records(body.slice(1))
          .flat()
          .flatMap((field) => field.split(/[;\t\r\n]/)),
      ]
      for (const field of fields) t.assert.doesNotMatch(field, /^[\s"]*[=+\-@＝＋－＠]/)
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60) },
  )
})

test('an export is gzipped when accepted, and sets Vary', async (t: TestContext) => {
  const { app, signIn } = await openApp(t, { CORS_ORIGINS: 'https://shop.example' })
  const ada = await signIn('ada@example.com')
  for (let n = 0; n < 20; n++) await ada.post('/items', { ...tea, name: `Tea ${n}` })
  const plain = await ada.get('/items/export')
  const compressed = await app.inject({
    url: '/items/export',
    headers: { authorization: `Bearer ${ada.token}`, 'accept-encoding': 'br, gzip' },
  })
  t.assert.strictEqual(compressed.headers['content-encoding'], 'gzip')
  for (const { headers } of [plain, compressed]) t.assert.strictEqual(headers.vary, 'origin, Accept-Encoding')
  t.assert.ok(compressed.rawPayload.length < plain.rawPayload.length / 3)
  t.assert.strictEqual(gunzipSync(compressed.rawPayload).toString(), plain.body)
  for (const [value, accepts] of [
    ['gzip', true],
    ['GZIP;q=0.5, br', true],
    ['*', true],
    ['*;q=0.1, gzip;q=0', false],
    ['gzip; q=0.000', false],
    ['br, deflate', false],
    ['gzip;q=junk', false],
    ['', false],
  ] as const)
    t.assert.strictEqual(acceptsGzip(value), accepts, value)
})

test('hostile filters are parameters of the query, and HEAD runs none', async (t: TestContext) => {
  const { app, signIn, log } = await openApp(t, { POSTGRES_ECHO: 'true' })
  const ada = await signIn('ada@example.com')
  await ada.post('/items', tea)
  const hostile = fc.oneof(
    fc.constantFrom(
      "'; drop table items; --",
      "\\'; select 1; --",
      '$1',
      '$2::text',
      "E'\\\\'",
      "') to program 'true' --",
      '%',
      "''",
      '$$',
    ),
    fc.string({
      unit: fc.constantFrom("'", '\\', '$', '1', ')', ';', '-', '%', '"', ' ', 'é'),
      minLength: 1,
      maxLength: 20,
    }),
  )
  await fc.assert(
    fc.asyncProperty(hostile, async (q) => {
      const query = `q=${encodeURIComponent(q)}&category=Grocery&store_manager_id=me&min_price=1e-7&in_stock=true`
      const exported = await ada.get(`/items/export?format=json&${query}`)
      const listed = await ada.get(`/items?${query}`)
      t.assert.strictEqual(exported.statusCode, listed.statusCode)
      t.assert.strictEqual(exported.body, exported.statusCode === 200 ? listed.body : exported.body)
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 100) },
  )
  t.assert.strictEqual(Object.keys((await ada.get('/items')).json()).length, 1)
  const statements = log.filter((line) => line.includes('copy (')).join('')
  t.assert.match(statements, /like.*\$\d/)
  t.assert.doesNotMatch(statements, /drop table|1e-7/)
  log.length = 0
  for (const encoding of ['identity', 'gzip']) {
    const head = await app.inject({
      method: 'HEAD',
      url: '/items/export?format=ndjson',
      headers: { authorization: `Bearer ${ada.token}`, 'accept-encoding': encoding },
    })
    t.assert.strictEqual(head.statusCode, 200)
    t.assert.strictEqual(head.headers['content-type'], 'application/x-ndjson')
    t.assert.match(String(head.headers['content-disposition']), /\.ndjson"$/)
  }
  // An export that HEAD had begun would be logged by now, too.
  t.assert.strictEqual((await ada.get('/items/export')).statusCode, 200)
  t.assert.strictEqual(log.filter((line) => line.includes('copy (')).length, 1)
})

/** Milliseconds: fewer than the service waits for a reader that takes nothing. */
const beforeItIsDropped = 15_000

for (const encoding of ['identity', 'gzip']) {
  test(`a failed or unread export ends and frees its connection (${encoding})`, async (t: TestContext) => {
    const app = await openFull(t)
    const failing = await download(app, encoding)
    t.assert.strictEqual(failing.statusCode, 200)
    await until(async () => (await waitsOfCopies(app)).length === 1)
    await terminateCopies(app)
    await t.assert.rejects(async () => {
      for await (const _ of failing);
    }, /aborted/)
    const left = await download(app, encoding)
    await until(async () => (await waitsOfCopies(app)).length === 1)
    left.destroy()
    await until(async () => (await waitsOfCopies(app)).length === 0, beforeItIsDropped)
    const ends = () => app.log.filter((line) => JSON.parse(line).event === 'items_exported')
    await until(() => ends().length === 2)
    t.assert.ok(ends().every((line) => JSON.parse(line).complete === false))
  })
}

interface Full extends TestApp {
  ada: Manager
  port: number
}

/** An application that listens, with more items than the buffers on the way to a client hold, compressed or not. */
async function openFull(t: TestContext): Promise<Full> {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  const { schema } = app.context.config.pool
  // To keep them would take most of the time.
  const indexes = ['name', 'price_usd', 'store_manager_id', 'summary', 'words']
  for (const name of indexes) await onServer(app.server, `drop index ${schema}.items_${name}_index`)
  await onServer(
    app.server,
    `insert into ${schema}.items
       select gen_random_uuid(), md5(n::text) || md5((-n)::text), 'Pet', n, true, $1 from generate_series(1, 100000) n`,
    [ada.id],
  )
  return { ...app, ada, port: await listen(app.app) }
}

/** Begins to get an export, and reads none of it. */
async function download({ ada, port }: Full, encoding: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${ada.token}`, 'accept-encoding': encoding }
  const request = get({ port, path: '/items/export', host: '127.0.0.1', headers })
  const [answer] = await once(request, 'response')
  return answer
}

/** The records of a CSV text, each with the text of its fields. */
function records(csv: string): string[][] {
  const all: string[][] = [[]]
  for (const [, quoted, plain = '', end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    all.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (end === '\r\n') all.push([])
  }
  return all.slice(0, -1)
}
