import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { type Manager, onServer, openApp, type TestApp } from '../support/app.ts'
import { onlyPlain } from '../support/citus.ts'
import { closeAfter } from '../support/cleanup.ts'
import { password } from '../support/fixtures.ts'
import { delay } from '../support/timers.ts'
import { until } from '../support/until.ts'

const noViews = onlyPlain('its items cannot become a view that waits')

const slowPage = '/items?category=Pet&sort=name&limit=1000'

test('slow pages do not delay reads by key or other managers', { skip: noViews }, async (t: TestContext) => {
  const { ada, bob, itemId, held, brake, release } = await openSlow(t)
  await brake()
  const codes = new Set<number>()
  const over = new AbortController()
  const flood = Array.from({ length: 60 }, async () => {
    while (!over.signal.aborted) {
      codes.add((await ada.get(`${slowPage}&store_manager_id=me`)).statusCode)
      await sleep(10)
    }
  })
  await until(async () => codes.has(503) && (await held()) > 0)
  for (let round = 0; round < 20; round++) {
    for (const path of [`/items/${itemId}`, '/items?limit=1&sort=-id']) {
      t.assert.strictEqual((await bob.get(path)).statusCode, 200, path)
    }
  }
  t.assert.deepStrictEqual([...codes], [503])
  await release()
  await until(() => codes.has(200))
  over.abort()
  await Promise.all(flood)
  t.assert.deepStrictEqual([...codes], [503, 200])
})

test(
  'a page over its budget runs again, and the next of its kind runs once',
  { skip: noViews },
  async (t: TestContext) => {
    const { app, ada, bob, brake, release } = await openSlow(t)
    delay(t)
    const pages = () => app.log.filter((line) => line.includes('limit $')).length
    const sent = async (manager: Manager, runs: number) => {
      app.log.length = 0
      await brake()
      const answer = manager.get(slowPage)
      await until(() => pages() === runs)
      // Longer than its budget.
      await sleep(500)
      await release()
      t.assert.strictEqual((await answer).statusCode, 200)
      t.assert.strictEqual(pages(), runs)
    }
    await sent(ada, 2)
    await sent(ada, 1)
    await sent(bob, 2)
    t.assert.ok(!app.log.join('').includes('rolled back'))
  },
)

test('one manager has one count or search at a time', { skip: noViews }, async (t: TestContext) => {
  const { ada, bob, held, brake, release } = await openSlow(t)
  const urls = ['/items/summary?q=soap', '/items?q=soap&limit=1000', '/items?limit=1&count=exact']
  for (const url of urls) {
    await brake()
    const codes: number[] = []
    const flood = urls
      .flatMap((each) => Array.from({ length: 40 }, () => ada.get(each)))
      .map(async (answer) => codes.push((await answer).statusCode))
    await until(async () => codes.length > 60 && (await held()) >= 1)
    t.assert.deepStrictEqual(new Set(codes), new Set([503]))
    t.assert.strictEqual(await held(), 1)
    const answer = bob.get(url)
    await until(async () => (await held()) === 2)
    await release()
    t.assert.strictEqual((await answer).statusCode, 200)
    await Promise.all(flood)
  }
})

test('counting the items of one manager does not delay others', { skip: noViews }, async (t: TestContext) => {
  const { ada, bob, itemId, held, brake, release } = await openSlow(t)
  const given = { current_password: password }
  await brake()
  const codes: number[] = []
  const flood = Array.from({ length: 60 }, async () =>
    codes.push((await ada.delete('/store-managers/me', given)).statusCode),
  )
  await until(async () => codes.length > 40 && (await held()) === 1)
  t.assert.strictEqual((await bob.get(`/items/${itemId}`)).statusCode, 200)
  t.assert.strictEqual((await bob.delete('/store-managers/me', given)).statusCode, 204)
  t.assert.ok(!codes.includes(409))
  await release()
  await Promise.all(flood)
  t.assert.deepStrictEqual([...new Set(codes)], [503, 409])
})

interface Slow {
  app: TestApp
  ada: Manager
  bob: Manager
  /** Of one that is never in the way. */
  itemId: string
  /** From now on who looks at all items waits until they are released. */
  brake(): Promise<unknown>
  release(): Promise<unknown>
  /** How many statements look at items. */
  held(): Promise<number>
}

/** Managers of items, and a service with few connections. */
async function openSlow(t: TestContext): Promise<Slow> {
  const app = await openApp(t, { POSTGRES_POOL_SIZE: '1', POSTGRES_MAX_OVERFLOW: '5', POSTGRES_ECHO: 'true' })
  const ada = await app.signIn('ada@example.com')
  const bob = await app.signIn('bob@example.com')
  const { schema } = app.context.config.pool
  const run = async (statement: string, values?: unknown[]) => (await onServer(app.server, statement, values)).rows
  await run(
    `insert into ${schema}.items select gen_random_uuid(), 'Soap ' || n, 'Pet', n, true, $1 from generate_series(1, 200) n`,
    [ada.id],
  )
  const ids = await run(`select id from ${schema}.items order by id`)
  await run(
    `create table ${schema}.brakes (held boolean);
     insert into ${schema}.brakes values (false);
     create function ${schema}.brake() returns boolean language plpgsql as $$
       begin
         while (select held from ${schema}.brakes) loop perform pg_sleep(0.01); end loop;
         return true;
       end $$;
     alter table ${schema}.items rename to all_items;
     create view ${schema}.items as select * from ${schema}.all_items where id <> '${ids[100].id}' or ${schema}.brake()`,
  )
  const release = () => run(`update ${schema}.brakes set held = false`)
  closeAfter(t, release)
  return {
    app,
    ada,
    bob,
    itemId: ids[0].id,
    brake: () => run(`update ${schema}.brakes set held = true`),
    release,
    async held() {
      const locks = `from pg_locks where relation = '${schema}.brakes'::regclass and pid <> pg_backend_pid()`
      return (await run(`select count(distinct pid)::int as held ${locks}`))[0].held
    },
  }
}
