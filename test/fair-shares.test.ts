import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { type Manager, onServer, openApp, password, type TestApp } from './support/app.ts'

/** Milliseconds that PostgreSQL takes for each item that it looks at, of `count` in all. */
const perItem = 5
const count = 200

test('pages over their budget leave reads by key and other managers alone', async (t: TestContext) => {
  const { ada, bob, itemId } = await openSlow(t)
  const deadline = performance.now() + 3_000
  const codes = new Set<number>()
  const flood = Array.from({ length: 60 }, async () => {
    while (performance.now() < deadline) {
      codes.add((await ada.get('/items?store_manager_id=me&category=Pet&sort=name&limit=1000')).statusCode)
      await sleep(10)
    }
  })
  await sleep(500)
  const times: number[] = []
  while (performance.now() < deadline) {
    for (const path of [`/items/${itemId}`, '/items?limit=1&sort=-id']) {
      const start = performance.now()
      t.assert.strictEqual((await bob.get(path)).statusCode, 200, path)
      times.push(performance.now() - start)
    }
  }
  await Promise.all(flood)
  t.assert.deepStrictEqual([...codes].toSorted(), [200, 503])
  t.diagnostic(`${times.length} requests of Bob, the slowest took ${Math.max(...times)} ms`)
  t.assert.ok(times.length > 10 && Math.max(...times) < 1_000, `the slowest took ${Math.max(...times)} ms`)
})

test('a page over its budget runs again, and the next of its kind runs once', async (t: TestContext) => {
  const { app, ada, bob } = await openSlow(t)
  const pages = () => app.log.filter((line) => line.includes('limit $')).length
  const url = '/items?category=Pet&sort=name&limit=1000'
  const sent = async (manager: Manager) => {
    app.log.length = 0
    t.assert.strictEqual((await manager.get(url)).statusCode, 200)
    return pages()
  }
  t.assert.strictEqual(await sent(ada), 2)
  t.assert.strictEqual(await sent(ada), 1)
  t.assert.strictEqual(await sent(bob), 2)
  t.assert.ok(!app.log.join('').includes('rolled back'))
})

test('one manager has at most half of the places of counts and searches', async (t: TestContext) => {
  const { ada, bob } = await openSlow(t)
  const flood = ['/items/summary?q=soap', '/items?q=soap&limit=1000', '/items?limit=1&count=exact'].flatMap((url) =>
    Array.from({ length: 40 }, () => ada.get(url)),
  )
  await sleep(300)
  for (const url of ['/items/summary?q=soap', '/items?q=soap&limit=1', '/items?limit=1&count=exact']) {
    const start = performance.now()
    t.assert.strictEqual((await bob.get(url)).statusCode, 200)
    t.assert.ok(performance.now() - start < 2_500, `${url} took ${performance.now() - start} ms`)
  }
  const refused = (await Promise.all(flood)).filter(({ statusCode }) => statusCode === 503)
  t.assert.ok(refused.length > 60)
})

test('counting what a manager owns leaves others alone', async (t: TestContext) => {
  const { ada, bob, itemId } = await openSlow(t)
  const given = { current_password: password }
  const flood = Array.from({ length: 60 }, () => ada.delete('/store-managers/me', given))
  await sleep(300)
  const start = performance.now()
  t.assert.strictEqual((await bob.get(`/items/${itemId}`)).statusCode, 200)
  t.assert.ok(performance.now() - start < 900)
  t.assert.strictEqual((await bob.delete('/store-managers/me', given)).statusCode, 204)
  const answers = await Promise.all(flood)
  const codes = new Set(answers.map(({ statusCode }) => statusCode))
  t.assert.deepStrictEqual([...codes].toSorted(), [409, 503])
})

interface Slow {
  app: TestApp
  ada: Manager
  bob: Manager
  itemId: string
}

/** Managers of items, each of which takes PostgreSQL some time to look at, and a service with few connections. */
async function openSlow(t: TestContext): Promise<Slow> {
  const app = await openApp(t, { POSTGRES_POOL_SIZE: '1', POSTGRES_MAX_OVERFLOW: '5', POSTGRES_ECHO: 'true' })
  const ada = await app.signIn('ada@example.com')
  const bob = await app.signIn('bob@example.com')
  const { schema } = app.context.config.pool
  await onServer(
    app.server,
    `insert into ${schema}.items select gen_random_uuid(), 'Soap ' || n, 'Pet', n, true, $1 from generate_series(1, ${count}) n`,
    [ada.id],
  )
  const { rows } = await onServer(app.server, `select id from ${schema}.items limit 1`)
  await onServer(
    app.server,
    `alter table ${schema}.items rename to all_items;
     create view ${schema}.items as select * from ${schema}.all_items where pg_sleep(${perItem / 1000}) is not null`,
  )
  return { app, ada, bob, itemId: rows[0].id }
}
