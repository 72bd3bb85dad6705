import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'

const soap = { name: 'Soap', category: 'Household', price_usd: 5, in_stock: true }

const routes = ['/items', '/items/summary', '/items/export']

test('numbers in queries follow the grammar of JSON', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  await ada.post('/items', soap)
  const wrong = [
    'Infinity',
    '-Infinity',
    'NaN',
    '1e999',
    ' ',
    ' 5',
    '5 ',
    '',
    '0x10',
    '.5',
    '5.',
    '+5',
    '05',
    '1_0',
    '٥',
  ]
  const lossy = ['4.99999999999999999999', '1e-400', '12345678901234567890']
  for (const text of [...wrong, ...lossy]) {
    for (const route of routes) {
      for (const name of ['min_price', 'max_price']) {
        const answer = await ada.get(`${route}?${new URLSearchParams({ [name]: text }).toString()}`)
        t.assert.strictEqual(answer.statusCode, 422, `${route} ${name}=${text}`)
        t.assert.deepStrictEqual(answer.json().errors[0].loc, ['query', name])
      }
    }
    const answer = await ada.get(`/items?${new URLSearchParams({ limit: text }).toString()}`)
    t.assert.strictEqual(answer.statusCode, 422, `limit=${text}`)
    t.assert.strictEqual(answer.json().errors[0].msg, 'must be a whole number')
  }
  for (const text of ['5', '5.0', '5e0', '50e-1', '5.00000000000000000000']) {
    const { body } = await ada.get(`/items?min_price=${text}&max_price=${text}&limit=${text}`)
    t.assert.strictEqual(Object.keys(JSON.parse(body)).length, 1, text)
  }
  t.assert.strictEqual((await ada.get('/items?limit=4.5')).statusCode, 422)
})

test('booleans in queries are true or false, in lower case', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const text of ['1', '0', 'True', 'FALSE', 'yes', '', ' true', 'null', 'on']) {
    const query = new URLSearchParams({ in_stock: text }).toString()
    for (const route of routes) t.assert.strictEqual((await ada.get(`${route}?${query}`)).statusCode, 422, text)
    const dryRun = await ada.post(`/items/import?${new URLSearchParams({ dry_run: text }).toString()}`, 'name\n', csv)
    t.assert.strictEqual(dryRun.json().code, 'invalid_request', text)
  }
  for (const text of ['true', 'false']) t.assert.strictEqual((await ada.get(`/items?in_stock=${text}`)).statusCode, 200)
})

const csv = { 'content-type': 'text/csv' }
const rows = 'name,category,price_usd,in_stock\nSoap,Household,5,true\n'

test('an unknown parameter is refused where parameters matter', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const refused = async (method: 'get' | 'post', url: string, body?: string) => {
    const answer = await ada[method](url, body, body === undefined ? {} : csv)
    t.assert.strictEqual(answer.statusCode, 422, url)
    const { errors, detail } = answer.json()
    t.assert.deepStrictEqual(
      errors.map(({ type }: { type: string }) => type),
      ['extra_forbidden'],
    )
    t.assert.match(detail, /is not a known parameter/)
    return `${errors[0].loc.join('.')} ${errors[0].msg}`
  }
  const meant = (name: string, known: string) => `query.${name} is not a known parameter (did you mean ${known}?)`
  t.assert.strictEqual(await refused('post', '/items/import?dryrun=true', rows), meant('dryrun', 'dry_run'))
  t.assert.strictEqual(await refused('get', '/items?category[]=Pet'), meant('category[]', 'category'))
  t.assert.strictEqual(await refused('get', '/items?instock=false'), meant('instock', 'in_stock'))
  t.assert.strictEqual(await refused('get', '/items/summary?in-stock=false'), meant('in-stock', 'in_stock'))
  t.assert.strictEqual((await ada.get('/items/summary?sort=id&limit=5')).json().errors.length, 2)
  t.assert.strictEqual(await refused('get', '/items/export?catgory=Pet'), meant('catgory', 'category'))
  t.assert.strictEqual(await refused('get', '/store-managers/logout?scop=all'), meant('scop', 'scope'))
  t.assert.strictEqual(
    await refused('post', '/store-managers/logout?all=true'),
    'query.all is not a known parameter (known: scope)',
  )
  t.assert.match(await refused('get', '/items?page=2'), /known: expand, limit, after, /)
  t.assert.match(await refused('get', '/items?__proto__=1'), /^query\.__proto__ is not/)
  t.assert.match(await refused('get', `/items?${'x'.repeat(5_000)}=1`), /^query\.x{100} is not/)
  t.assert.deepStrictEqual((await ada.get('/items')).json(), {})
})

test('parameters are ignored where none exists, and a cache buster always', async (t: TestContext) => {
  const { signIn, send } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const created = await ada.post('/items?page=2', soap)
  t.assert.strictEqual(created.statusCode, 201)
  const { id } = created.json()
  t.assert.strictEqual((await ada.get(`/items/${id}?instock=1&_=7`)).statusCode, 200)
  t.assert.strictEqual((await ada.patch(`/items/${id}?x=1`, {})).statusCode, 200)
  for (const route of routes) t.assert.strictEqual((await ada.get(`${route}?_=1764115200`)).statusCode, 200)
  t.assert.strictEqual((await ada.get('/items?_=1')).headers.link, undefined)
  t.assert.strictEqual((await ada.post('/items/import?_=1&dry_run=true', rows, csv)).json().created, 1)
  t.assert.strictEqual((await ada.delete(`/items/${id}?x=1`)).statusCode, 204)
  t.assert.strictEqual(
    (await send({ method: 'POST', url: '/store-managers?x=1', payload: {} })).json().code,
    'invalid_request',
  )
  t.assert.strictEqual((await ada.get('/store-managers/logout?_=1')).statusCode, 200)
})

test('a parameter with a single value may not be repeated', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const once = (name: string) => [{ type: 'string_type', loc: ['query', name], msg: 'must be given only once' }]
  for (const [name, value] of Object.entries({ limit: '1', in_stock: 'true', sort: 'id', q: 'a', min_price: '1' })) {
    const answer = await ada.get(`/items?${name}=${value}&${name}=${value}`)
    t.assert.strictEqual(answer.statusCode, 422)
    t.assert.deepStrictEqual(answer.json().errors, once(name))
  }
  for (const list of ['category=Pet', 'category=Pet&category=Pet']) {
    t.assert.strictEqual((await ada.get(`/items?${list}`)).statusCode, 200)
  }
})

test('of thousands of unknown parameters, 20 are listed', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const query = Array.from({ length: 2_000 }, (_, index) => `u${index}`).join('&')
  const { errors } = (await ada.get(`/items?${query}&limit=x`)).json()
  const types = errors.map(({ type }: { type: string }) => type)
  t.assert.deepStrictEqual(types.toSorted(), [...Array<string>(20).fill('extra_forbidden'), 'int_type'])
})
