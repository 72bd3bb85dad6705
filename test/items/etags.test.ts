import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { type Manager, openApp } from '../support/app.ts'
import { hasCitus } from '../support/citus.ts'

const tea = { name: 'Green tea', category: 'Grocery', price_usd: 0, in_stock: true }
/** On Citus, each attempt is a transaction, which waits for those before it. */
const writers = hasCitus ? 50 : 200

test('no concurrent read-modify-write of one item is lost', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { url } = await createTea(ada)
  let refusals = 0
  const raisePrice = async () => {
    for (;;) {
      const item = await ada.get(url)
      const price_usd = item.json().price_usd + 1
      const changed = await ada.patch(url, { price_usd }, { 'if-match': String(item.headers.etag) })
      if (changed.statusCode === 200) return
      // A write that has waited for long because the machine is busy gets 503.
      t.assert.ok(['precondition_failed', 'too_busy'].includes(changed.json().code), changed.body)
      refusals++
      await sleep(Math.random() * 300)
    }
  }
  await Promise.all(Array.from({ length: writers }, raisePrice))
  const item = await ada.get(url)
  t.assert.strictEqual(item.json().price_usd, writers)
  t.assert.strictEqual(item.headers.etag, `"${writers + 1}"`)
  t.assert.ok(refusals > writers / 2, 'they were concurrent')
})

test('each response with one item has its ETag, which changes with it', async (t: TestContext) => {
  const { signIn, send } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { url, created } = await createTea(ada)
  const head = () => send({ method: 'HEAD', url, headers: { authorization: `Bearer ${ada.token}` } })
  const etags = async () => [(await ada.get(url)).headers.etag, (await head()).headers.etag]
  t.assert.strictEqual(created.headers.etag, '"1"')
  t.assert.deepStrictEqual(await etags(), ['"1"', '"1"'])
  t.assert.strictEqual((await ada.patch(url, { price_usd: 1 })).headers.etag, '"2"')
  t.assert.deepStrictEqual(await etags(), ['"2"', '"2"'])
  t.assert.strictEqual((await ada.patch(url, { name: null })).headers.etag, '"2"', 'an empty change is none')
  t.assert.deepStrictEqual(await etags(), ['"2"', '"2"'])
})

test('items may be cached privately and revalidated, errors not at all', async (t: TestContext) => {
  const { signIn, send } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { url, created } = await createTea(ada)
  const answers = [
    created,
    await ada.get(url),
    await ada.get(url, undefined, { 'if-none-match': '"1"' }),
    await ada.get('/items'),
    await ada.patch(url, { price_usd: 1 }),
  ]
  t.assert.deepStrictEqual(
    answers.map(({ statusCode }) => statusCode),
    [201, 200, 304, 200, 200],
  )
  for (const { headers } of answers) t.assert.strictEqual(headers['cache-control'], 'private, no-cache')
  for (const refused of [await send({ url }), await ada.get('/items/7')])
    t.assert.strictEqual(refused.headers['cache-control'], 'no-store')
})

test("the ETag of an expanded item changes with its owner's name", async (t: TestContext) => {
  const { signIn, context } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { url } = await createTea(ada)
  const expanded = `${url}?expand=store_manager`
  const before = String((await ada.get(expanded)).headers.etag)
  t.assert.match(before, /^"1-[\w-]{43}"$/)
  t.assert.strictEqual((await ada.get(expanded, undefined, { 'if-none-match': before })).statusCode, 304)
  await context.db.updateTable('store_managers').set({ name: 'Ada King' }).execute()
  const renamed = await ada.get(expanded, undefined, { 'if-none-match': before })
  t.assert.strictEqual(renamed.statusCode, 200)
  t.assert.strictEqual(renamed.json().store_manager.name, 'Ada King')
  t.assert.notStrictEqual(renamed.headers.etag, before)
  const changed = await ada.patch(url, { price_usd: 1 }, { 'if-match': before })
  t.assert.strictEqual(changed.statusCode, 200, 'the item itself is of the version that the tag was given for')
})

test('If-None-Match with the ETag, weak or strong, gets an empty 304', async (t: TestContext) => {
  const { signIn, send } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { url } = await createTea(ada)
  for (const ifNoneMatch of ['"1"', 'W/"1"', '"x", "a,b" ,"1"', '*', '"2"', '"W/1"', '1', '']) {
    const status = ['"2"', '"W/1"', '1', ''].includes(ifNoneMatch) ? 200 : 304
    for (const method of ['GET', 'HEAD'] as const) {
      const headers = { authorization: `Bearer ${ada.token}`, 'if-none-match': ifNoneMatch }
      const answer = await send({ method, url, headers })
      t.assert.strictEqual(answer.statusCode, status, ifNoneMatch)
      t.assert.strictEqual(answer.headers.etag, '"1"')
      t.assert.strictEqual(answer.headers['content-type'] === undefined, status === 304)
      t.assert.strictEqual(answer.body === '', status === 304 || method === 'HEAD')
    }
  }
})

test('an invalid token learns nothing of an item, not even its ETag', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { url } = await createTea(ada)
  await ada.get('/store-managers/logout')
  const refused = await ada.get(url, undefined, { 'if-none-match': '"1"' })
  t.assert.strictEqual(refused.statusCode, 401)
  t.assert.strictEqual(refused.headers.etag, undefined)
})

test('If-Match with the version lets an item be changed and deleted', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  for (const ifMatch of ['"1"', '"0", "1"', ',"x",, "1" ,', '*', 'W/"1"', '"1-gzip"', 'W/"1--br"']) {
    const { url } = await createTea(ada)
    const headers = { 'if-match': ifMatch }
    t.assert.strictEqual((await ada.patch(url, {}, headers)).statusCode, 200, ifMatch)
    t.assert.strictEqual((await ada.delete(url, undefined, headers)).statusCode, 204, ifMatch)
  }
})

test('If-Match with other versions gets 412 with the current item', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { url } = await createTea(ada)
  const item = (await ada.patch(url, { price_usd: 2 })).json()
  for (const ifMatch of [
    '"1"',
    'W/"1"',
    '"1-gzip"',
    'W/"x"',
    '"2-lzma"',
    '"3"',
    '"02"',
    '"2-x"',
    `"${'2'.repeat(30)}"`,
    '""',
  ]) {
    const headers = { 'if-match': ifMatch }
    for (const refused of [
      await ada.patch(url, { price_usd: 3 }, headers),
      await ada.patch(url, {}, headers),
      await ada.delete(url, undefined, headers),
    ]) {
      t.assert.strictEqual(refused.statusCode, 412, ifMatch)
      t.assert.strictEqual(refused.json().code, 'precondition_failed')
      t.assert.deepStrictEqual(refused.json().current, item)
      t.assert.strictEqual(refused.headers.etag, '"2"')
    }
  }
  t.assert.deepStrictEqual((await ada.get(url)).json(), item)
})

test('a malformed If-Match is refused by name', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { url } = await createTea(ada)
  for (const ifMatch of ['1', '"1', '', '*, "1"', '"1" "2"', ',', 'w/"1"', '"a b"']) {
    const refused = await ada.patch(url, { price_usd: -1 }, { 'if-match': ifMatch })
    t.assert.strictEqual(refused.statusCode, 422)
    t.assert.deepStrictEqual(refused.json().errors[0], {
      type: 'string_pattern_mismatch',
      loc: ['header', 'if-match'],
      msg: 'must be * or quoted ETags',
    })
    t.assert.deepStrictEqual(refused.json().errors[1].loc, ['body', 'price_usd'])
    t.assert.strictEqual((await ada.delete(url, undefined, { 'if-match': ifMatch })).statusCode, 422)
  }
})

test('404 takes precedence over 403, and 403 over 412', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const grace = await signIn('grace@example.com')
  const { url } = await createTea(ada)
  for (const ifMatch of ['"1"', '"2"', '*']) {
    const headers = { 'if-match': ifMatch }
    t.assert.strictEqual((await grace.patch(url, {}, headers)).statusCode, 403)
    t.assert.strictEqual((await grace.delete(url, undefined, headers)).statusCode, 403)
  }
  await ada.delete(url, undefined, { 'if-match': '"1"' })
  for (const ifMatch of ['"1"', '*']) {
    t.assert.strictEqual((await ada.patch(url, {}, { 'if-match': ifMatch })).statusCode, 404)
  }
})

test('REQUIRE_IF_MATCH refuses a change and a deletion without If-Match', async (t: TestContext) => {
  const { signIn } = await openApp(t, { REQUIRE_IF_MATCH: 'true' })
  const ada = await signIn('ada@example.com')
  const { url } = await createTea(ada)
  for (const refused of [await ada.patch(url, { price_usd: 1 }), await ada.delete(url)]) {
    t.assert.strictEqual(refused.statusCode, 428)
    t.assert.strictEqual(refused.json().code, 'precondition_required')
  }
  t.assert.strictEqual((await ada.patch(url, { price_usd: 1 }, { 'if-match': '"1"' })).statusCode, 200)
  t.assert.strictEqual((await ada.delete(url, undefined, { 'if-match': '*' })).statusCode, 204)
})

async function createTea(manager: Manager) {
  const created = await manager.post('/items', tea)
  return { url: `/items/${created.json().id}`, created }
}
