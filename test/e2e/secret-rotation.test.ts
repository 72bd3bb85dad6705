import { test, type TestContext } from 'node:test'

import { json, realStores, signInAt, startService } from '../support/service.ts'

const old = 'the first secret of the tests, which is long enough'
const fresh = 'the next secret of the tests, which is long enough as well'

test('a secret is rotated without logging out and without new replays', async (t: TestContext) => {
  const stores = await realStores(t)
  const start = (settings: Record<string, string>) => startService(t, { ...stores, ...settings })
  const body = JSON.stringify({ name: 'Tea', category: 'Grocery', price_usd: 4.99, in_stock: true })
  const post = (url: string, token: { authorization: string }, key: string, sent = body) =>
    fetch(`${url}/items`, { method: 'POST', headers: { ...token, ...json, 'idempotency-key': key }, body: sent })
  const statusAt = async ({ url }: { url: string }, headers: { authorization: string }) =>
    (await fetch(`${url}/items`, { headers })).status

  // Both processes of a rollout accept the tokens of the other, before it and after it.
  const before = await start({ JWT_SECRET: old, JWT_SECRET_PREVIOUS: fresh })
  const after = await start({ JWT_SECRET: fresh, JWT_SECRET_PREVIOUS: old })
  const oldToken = await signInAt(before.url, 'ada@example.com')
  const freshToken = await signInAt(after.url, 'ada@example.com')
  for (const token of [oldToken, freshToken]) {
    t.assert.deepStrictEqual([await statusAt(before, token), await statusAt(after, token)], [200, 200])
  }
  const created = await (await post(before.url, oldToken, 'one')).json()
  for (const { url } of [before, after]) {
    const replayed = await post(url, freshToken, 'one')
    t.assert.deepStrictEqual([replayed.status, replayed.headers.get('idempotency-replayed')], [201, 'true'])
    t.assert.deepStrictEqual(await replayed.json(), created)
    t.assert.strictEqual((await post(url, freshToken, 'one', body.replace('Tea', 'Cup'))).status, 422)
  }

  // Without the other secret, a process accepts its own tokens alone: the other one has signed nothing.
  const last = await start({ JWT_SECRET: fresh })
  t.assert.deepStrictEqual([await statusAt(last, oldToken), await statusAt(last, freshToken)], [401, 200])
  t.assert.strictEqual((await post(last.url, freshToken, 'one')).status, 422)
})
