import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as fc from 'fast-check'

import { passwordWeakness } from '../../src/auth/password-policy.ts'
import { listen } from '../support/app.ts'
import { type Fields, objectsOf } from '../support/arbitraries.ts'
import { bodiesOf, misfitsOf } from '../support/bodies.ts'
import { type CheckedApp, openCheckedApp } from '../support/checked-app.ts'
import { checkAny } from '../support/document.ts'
import { encodeForm, encodings, type Form, hostileForms, partsOf } from '../support/forms.ts'
import { hostileRequests, strayBodies, strayRequests } from '../support/hostile.ts'
import { givenParameters, unknownParameters } from '../support/queries.ts'
import { badRequests, exchange } from '../support/raw-http.ts'
import { spelledNames } from '../support/visible-names.ts'

const runs = Number(process.env['PROPERTY_RUNS'] ?? 120)
const seed = process.env['PROPERTY_SEED']

/** Tries `predicate` `times` PROPERTY_RUNS times, which is 120. PROPERTY_SEED repeats the tries of a run that failed. */
function hold<T>(times: number, values: fc.Arbitrary<T>, predicate: (value: T) => Promise<unknown>): Promise<void> {
  const options = { numRuns: Math.ceil(runs * times), ...(seed !== undefined && { seed: Number(seed) }) }
  return fc.assert(
    fc.asyncProperty(values, async (value) => void (await predicate(value))),
    options,
  )
}

test('items and changes are read back exactly as they were sent', async (t) => {
  const { ada, adaId, itemId, components } = await openCheckedApp(t)
  await ada('DELETE', `/items/${itemId}`)
  const creates = fc.array(bodiesOf({ $ref: 'ItemCreate' }, components), { minLength: 1, maxLength: 2 })

  await hold(0.5, fc.tuple(creates, bodiesOf({ $ref: 'ItemUpdate' }, components)), async ([bodies, change]) => {
    const items: Record<string, Fields> = {}
    for (const { value, text } of bodies) {
      const created = await ada('POST', '/items', text)
      assert.equal(created.statusCode, 201)
      const { id } = created.json<{ id: string }>()
      items[id] = { ...unsigned(value), id, store_manager_id: adaId }
      assert.deepEqual(created.json(), items[id])
      assert.equal(created.headers.location, `/items/${id}`)
    }
    await assertStock(ada, items)
    const [id = ''] = Object.keys(items)
    const given = Object.entries(unsigned(change.value)).filter(([, value]) => value !== null)
    items[id] = { ...items[id], ...Object.fromEntries(given) }
    const changed = await ada('PATCH', `/items/${id}`, change.text)
    assert.equal(changed.statusCode, 200)
    assert.deepEqual(changed.json(), items[id])
    await assertStock(ada, items)
    for (const each of Object.keys(items)) assert.equal((await ada('DELETE', `/items/${each}`)).statusCode, 204)
  })
})

test('a manager signs in with their password alone, and nothing shows it', async (t) => {
  const { send, components, log } = await openCheckedApp(t)
  const taken = new Set<string>()

  await hold(0.5, bodiesOf({ $ref: 'StoreManagerCreate' }, components), async ({ value, text }) => {
    const { name = '', email = '', password, password_hash: older } = value as Record<string, string>
    const plain = password ?? older ?? ''
    const registered = await send('POST', '/store-managers', text, { 'content-type': 'application/json' })
    if (passwordWeakness(plain, { name, email })) return assert.equal(registered.statusCode, 422)
    const free = !taken.has(email.toLowerCase())
    assert.equal(registered.statusCode, free ? 201 : 409)
    if (!free) return
    taken.add(email.toLowerCase())
    assert.deepEqual(registered.json(), { name, email, id: registered.json().id })

    const answers = [registered]
    for (const attempt of [plain, `${plain}!`, plain.slice(0, -1)]) {
      const parts = [
        { name: 'username', value: email },
        { name: 'password', value: attempt },
      ]
      answers.push(await logIn(send, encodeForm(parts, 'urlencoded')))
    }
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [201, 200, 401, 401],
    )
    const shown = [...answers.map(({ body }) => body), ...log.splice(0)].join('\n')
    const spellings = [plain, JSON.stringify(plain).slice(1, -1)]
    if (spellings.some((spelling) => JSON.stringify(value).split(spelling).length > 2)) return
    for (const spelling of spellings) assert.ok(!shown.includes(spelling), `the password is in ${shown}`)
  })
})

test('a bad body is refused for exactly its faults and writes nothing', async (t) => {
  const { ada, components, itemId, rows } = await openCheckedApp(t)
  const before = await rows()
  const requests = [
    { method: 'POST', url: '/items', schema: 'ItemCreate' },
    { method: 'PATCH', url: `/items/${itemId}`, schema: 'ItemUpdate' },
    { method: 'POST', url: '/store-managers', schema: 'StoreManagerCreate' },
  ].map(({ schema, ...request }) => fc.tuple(fc.constant(request), misfitsOf({ $ref: schema }, components)))

  await hold(3, fc.oneof(...requests), async ([{ method, url }, { text, at }]) => {
    const refused = await ada(method, url, text)
    assert.equal(refused.statusCode, 422)
    const { code, errors } = refused.json<{ code: string; errors: { loc: string[] }[] }>()
    assert.equal(code, 'invalid_request')
    assert.deepEqual(new Set(errors.map(({ loc }) => loc.join('.'))), new Set(at))
    assert.deepEqual(await rows(), before)
  })
})

test('a name is accepted if and only if a character of it is visible', async (t) => {
  const { ada, send, itemId, rows } = await openCheckedApp(t)
  let managers = 0
  await hold(0.5, spelledNames, async ({ name, isVisible }) => {
    const before = await rows()
    const fields = { category: 'Pet', price_usd: 1, in_stock: true }
    const item = JSON.stringify({ name, ...fields })
    const account = { name, email: `${managers++}@example.com`, password: 'correct horse battery' }
    const file = `name,category,price_usd,in_stock\n"${name.replaceAll('"', '""')}",Pet,1,true\n`
    const answers = {
      create: await ada('POST', '/items', item),
      'import CSV': await ada('POST', '/items/import', file, 'text/csv'),
      'import NDJSON': await ada('POST', '/items/import', `${item}\n`, 'application/x-ndjson'),
      update: await ada('PATCH', `/items/${itemId}`, JSON.stringify({ name })),
      register: await send('POST', '/store-managers', JSON.stringify(account), { 'content-type': 'application/json' }),
      'update me': await ada('PATCH', '/store-managers/me', JSON.stringify({ name })),
    }
    for (const [write, { statusCode }] of Object.entries(answers)) {
      assert.equal(statusCode < 300, isVisible, `${write} got ${statusCode} for ${JSON.stringify(name)}`)
      if (!isVisible) assert.equal(statusCode, 422, write)
    }
    if (!isVisible) return assert.deepEqual(await rows(), before)
    const { create, update, register, 'update me': updateMe } = answers
    const stored = Object.values((await ada('GET', '/items?sort=-id&limit=3')).json<Record<string, Fields>>())
    for (const each of [...[create, update, register, updateMe].map((answer) => answer.json()), ...stored]) {
      assert.equal(each['name'], name)
    }
  })
})

test('a parameter is read as JSON would read it, or refused by name', async (t) => {
  const { ada, operations, urlOf } = await openCheckedApp(t)
  const reads = operations.filter(({ method }) => method === 'GET')
  await hold(3, givenParameters(reads), async ({ operation, name, text, fits }) => {
    const answer = await ada('GET', urlOf(operation, { [name]: text }))
    assert.equal(answer.statusCode, fits ? 200 : 422, `${operation.path}: ${name}=${text}`)
    if (!fits) assert.deepEqual(answer.json().errors[0].loc, ['query', name])
  })
})

test('an unknown parameter is refused by name and does nothing, or is ignored', async (t) => {
  const { ada, operations, urlOf, itemId, rows } = await openCheckedApp(t)
  const before = await rows()
  // Unknown parameters of operations that have no others, or only `expand`, mean nothing.
  const strict = operations.filter(({ parameters }) => parameters.some(({ name }) => name !== 'expand'))
  const requests = strict.map((operation) =>
    unknownParameters(operation.parameters.map(({ name }) => name)).map(({ name }) => ({ operation, name })),
  )
  const bodies: Record<string, [body: string, type?: string]> = {
    '/items/import': ['name,category,price_usd,in_stock\nTea,Pet,1,true\n', 'text/csv'],
    '/items/bulk': ['{"select":{"filters":{"store_manager_id":"me"}},"change":"delete"}'],
  }
  await hold(2, fc.oneof(...requests), async ({ operation, name }) => {
    const { method, path } = operation
    const url = urlOf(operation, { [name]: 'true' })
    const refused = await ada(method, url, ...(bodies[path] ?? []))
    assert.equal(refused.statusCode, 422, `${method} ${url}`)
    const found = refused.json<{ errors: { loc: string[] }[] }>().errors
    assert.deepEqual(
      found.map(({ loc }) => loc),
      [['query', name]],
    )
    assert.deepEqual(await rows(), before)
    const ignored = new URLSearchParams({ [name]: 'true' }).toString()
    assert.equal((await ada('GET', `/items/${itemId}?${ignored}`)).statusCode, 200)
  })
})

test('every response of an endpoint is declared in the document', async (t) => {
  const { operations, components, itemId, changeId, ada, sendHostile } = await openCheckedApp(t)
  const { headers } = await ada('GET', '/changes/feed?since=now')
  const targets = { itemId, changeId, cursor: String(headers['x-next-after']) }
  await hold(6, hostileRequests(operations, components, targets), sendHostile)
})

test('a missing body is refused by name, and no body makes a request fail', async (t) => {
  const { operations, urlOf, sendHostile } = await openCheckedApp(t)
  const writes = operations.filter(({ method }) => method !== 'GET')
  await hold(0.5, strayBodies(operations), async ({ headers, payload }) => {
    for (const operation of writes) {
      const { method, path, body, types } = operation
      const url = urlOf(operation)
      const { statusCode, json } = await sendHostile({ method, url, sender: 'owner', headers, payload })
      if (!body || (payload && payload.length > 0)) continue
      const { 'content-type': type, 'transfer-encoding': coding } = headers
      const isRead = type === undefined ? coding === undefined : types.includes(type) && !type.startsWith('multipart')
      const expected = isRead ? [422] : [400, 415, 422]
      assert.ok(expected.includes(statusCode), `${method} ${path} got ${statusCode}`)
      if (statusCode === 422) assert.equal(json().errors[0].loc[0], 'body')
    }
  })
})

test('requests to unknown paths get 404, 405, or 400, never worse', async (t) => {
  const { operations, sendHostile } = await openCheckedApp(t)
  await hold(2, strayRequests(operations), sendHostile)
})

test('a login form is read in both encodings, with unknown fields', async (t) => {
  const { send, components, register } = await openCheckedApp(t)
  const passwords = [
    'correct horse battery',
    '+&=%41; "\\\'',
    '\r\n line\r\n',
    ' 😀 e\u0301 passe \uFEFF',
    'xy'.repeat(500),
  ]
  const accounts = passwords.map((password, index) => ({ username: `Manager${index}@example.com`, password }))
  for (const { username, password } of accounts) {
    assert.equal((await register(username.toLowerCase(), password)).statusCode, 201)
  }
  const right = fc.option(fc.constantFrom(...accounts), { nil: undefined })
  const logins = fc
    .tuple(objectsOf({ $ref: 'LoginForm' }, components), right)
    .chain(([form, account]) => partsOf({ ...form, ...account }).map((parts) => ({ parts, account })))

  await hold(1, fc.tuple(logins, fc.constantFrom(...encodings)), async ([{ parts, account }, encoding]) => {
    const answer = await logIn(send, encodeForm(parts, encoding))
    assert.equal(answer.statusCode, account ? 200 : 401)
    assert.equal(answer.headers['cache-control'], 'no-store')
    if (account) assert.equal(answer.json().token_type, 'jwt')
    else assert.equal(answer.json().error, 'invalid_grant')
  })
})

test('responses to malformed forms are declared in the document', async (t) => {
  const { send, components } = await openCheckedApp(t)
  await hold(2, hostileForms({ $ref: 'LoginForm' }, components), async (form) => {
    const { statusCode } = await logIn(send, form)
    assert.ok([400, 401, 415, 422].includes(statusCode), `got ${statusCode}`)
  })
})

test('invalid HTTP is refused, and the next request is served', async (t) => {
  const { app } = await openCheckedApp(t)
  const port = await listen(app)
  let exchanges = 0
  t.after(() => t.diagnostic(`${exchanges} connections, and a request after each`))

  await hold(0.5, badRequests, async (sent) => {
    const answers = await exchange(port, sent)
    assert.ok(!sent.includes('/smuggled') || answers.length < 2, 'a body was taken for a request')
    for (const answer of answers) {
      assert.ok(answer.statusCode >= 300, `got ${answer.statusCode}`)
      checkAny('GET', answer)
    }
    const next = await fetch(`http://127.0.0.1:${port}/openapi.json`)
    assert.equal(next.status, 200)
    await next.arrayBuffer()
    exchanges++
  })
})

/** Each way to read items gives `items`. */
async function assertStock(ada: CheckedApp['ada'], items: Record<string, Fields>): Promise<void> {
  assert.deepEqual((await ada('GET', '/items')).json(), items)
  for (const [id, item] of Object.entries(items)) {
    assert.deepEqual((await ada('GET', `/items/${id}`)).json(), item)
    const store_manager = { id: item['store_manager_id'], name: 'Ada Lovelace' }
    assert.deepEqual((await ada('GET', `/items/${id}/?expand=store_manager`)).json(), { ...item, store_manager })
  }
}

function logIn(send: CheckedApp['send'], { type, payload }: Form) {
  return send('POST', '/store-managers/token', payload, { 'content-type': type })
}

/** Zero has no sign once it is stored. */
function unsigned(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value === 0 ? 0 : value]))
}
