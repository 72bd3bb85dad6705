import { test, type TestContext } from 'node:test'

import { transfer } from '../../src/operator/transfer.ts'
import { onServer, openAppOn, openSchema, testConfig } from '../support/app.ts'
import { closeAfter } from '../support/cleanup.ts'
import { call, callOnTerminal, withoutTerminals } from '../support/command.ts'
import { password, tea } from '../support/fixtures.ts'
import { waitersOf } from '../support/lock-waits.ts'
import { schemaClient } from '../support/schema-client.ts'
import { run, settingsOf, temporaryFolder } from '../support/service.ts'
import { until } from '../support/until.ts'

const missing = 'No manager has the email address or ID eve@example.com.\n'

/** A service with two managers, and the command of its operator. */
async function openStore(t: TestContext) {
  const { server, schema } = await openSchema(t)
  const app = await openAppOn(t, server, testConfig(schema))
  const ada = await app.signIn('ada@example.com')
  const bob = await app.signIn('bob@example.com')
  const env = { ...settingsOf(server, schema), JWT_SECRET: '', LOG_LEVEL: 'warn' }
  const connect = async () => {
    const client = schemaClient(server, schema)
    await client.connect()
    closeAfter(t, () => client.end())
    return client
  }
  const client = await connect()
  return {
    ...app,
    ada,
    bob,
    env,
    client,
    connect,
    add: async () => (await ada.post('/items', tea)).headers.location ?? '',
    manager: (...args: string[]) => call(t, ['manager', ...args], { env }),
    owners: async () => Object.values((await bob.get('/items')).json<object>()).map((item) => item.store_manager_id),
    /** Locks all items, as a change of each would. */
    lockItems: () => client.query('begin; update items set position = position'),
    /** Whether a session waits for a lock that `holder` has. */
    isWaiting: async (holder = client) => {
      const { processID } = holder as unknown as { processID: number }
      return (await onServer(server, waitersOf(String(processID)))).rowCount !== 0
    },
  }
}

test('manager transfer moves all items and raises their versions', async (t: TestContext) => {
  const { ada, bob, add, manager, owners, env } = await openStore(t)
  const path = await add()
  await add()
  const before = await bob.get(path)
  const { code, out, err } = await manager('transfer', 'Ada@example.com', bob.id)
  t.assert.deepStrictEqual(
    [code, out, err],
    [0, `Moved 2 items from ada@example.com (ID ${ada.id}) to bob@example.com (ID ${bob.id}).\n`, ''],
  )
  t.assert.deepStrictEqual(await owners(), [bob.id, bob.id])
  const after = await bob.get(path)
  t.assert.deepStrictEqual([before.headers.etag, after.headers.etag], ['"1"', '"2"'])
  t.assert.strictEqual((await ada.patch(path, { price_usd: 1 })).statusCode, 403)
  const stale = { 'if-match': '"1"' }
  t.assert.strictEqual((await bob.patch(path, { price_usd: 1 }, stale)).statusCode, 412)

  const back = await call(t, ['manager', 'transfer', bob.id, ada.id, '--json'], { env: { ...env, LOG_LEVEL: 'info' } })
  t.assert.deepStrictEqual(JSON.parse(back.out), { from: bob.id, to: ada.id, items: 2 })
  const { event, manager: from, to, items } = JSON.parse(back.err)
  t.assert.deepStrictEqual([event, from, to, items], ['items_transferred', bob.id, ada.id, 2])
})

test('a transfer of several batches moves each item once', async (t: TestContext) => {
  const { ada, bob, client, context } = await openStore(t)
  const values = (id: string) => `${id}, 'x', 'Pet', 1, true, '${ada.id}'`
  await client.query(`insert into items select ${values('gen_random_uuid()')} from generate_series(1, 10001)`)
  for (const id of ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']) {
    await client.query(`insert into items values (${values(`'${id}'`)})`)
  }
  const steps: number[] = []
  const progress = { add: (items: number) => void steps.push(items), restart: () => {} }
  const { engine } = context.pool
  const how = { engine, from: ada.id, to: bob.id, signal: new AbortController().signal, progress }
  t.assert.strictEqual(await transfer(context.db, how), 10_003)
  t.assert.deepStrictEqual(steps, [5_000, 5_000, 3])
  const { rows } = await client.query('select store_manager_id, version, count(*)::integer from items group by 1, 2')
  t.assert.deepStrictEqual(rows, [{ store_manager_id: bob.id, version: '2', count: 10_003 }])

  const stopped = new AbortController()
  const stopping = { ...progress, add: () => stopped.abort() }
  const back = { engine, from: bob.id, to: ada.id, signal: stopped.signal, progress: stopping }
  await t.assert.rejects(transfer(context.db, back), { name: 'AbortError' })
  t.assert.strictEqual((await client.query('select from items where store_manager_id = $1', [bob.id])).rowCount, 10_003)
})

test('a transfer that is interrupted moves nothing', async (t: TestContext) => {
  const { bob, ada, add, client, env, owners, lockItems, isWaiting } = await openStore(t)
  await add()
  await lockItems()
  const bin = new URL('../../bin/stockroom.js', import.meta.url).pathname
  const { child, ended, output } = run(t, process.execPath, [bin, 'manager', 'transfer', ada.id, bob.id], env)
  await until(() => isWaiting(), 20_000)
  child.kill('SIGTERM')
  await until(async () => !(await isWaiting()), 20_000)
  await client.query('commit')
  t.assert.deepStrictEqual([await ended, output()], [143, ''])
  t.assert.deepStrictEqual(await owners(), [ada.id])
})

test('manager delete refuses an owner of items and requires --yes', async (t: TestContext) => {
  const { ada, bob, add, manager, logIn, owners } = await openStore(t)
  await add()
  const mistakes: [args: string[], code: number, said: string][] = [
    [['delete', ada.id], 2, 'There is no terminal to confirm on. Pass --yes.\n'],
    [
      ['delete', ada.id, '--yes'],
      1,
      'The manager owns items. Move them to another manager first: --transfer-to, or manager transfer.\n',
    ],
    [['delete', ada.id, '--yes', '--transfer-to', 'eve@example.com'], 4, missing],
    [['delete', 'eve@example.com', '--yes'], 4, missing],
    [
      ['delete', ada.id, '--yes', '--transfer-to', ada.email],
      2,
      'Both arguments name the same manager. Name two different ones.\n',
    ],
    [['transfer', ada.id, ada.email], 2, 'Both arguments name the same manager. Name two different ones.\n'],
    [['transfer', 'eve@example.com', ada.email], 4, missing],
    [['transfer', ada.email, 'eve@example.com'], 4, missing],
    [['transfer', ada.email], 2, "missing required argument 'to'. See stockroom help.\n"],
  ]
  const called = await Promise.all(mistakes.map(([args]) => manager(...args)))
  for (const [at, [args, code, err]] of mistakes.entries()) {
    t.assert.deepStrictEqual(called[at], { code, out: '', err }, args.join(' '))
  }
  t.assert.deepStrictEqual(await owners(), [ada.id])

  const done = await manager('delete', ada.email, '--yes', '--transfer-to', bob.email, '--json')
  t.assert.deepStrictEqual([done.code, JSON.parse(done.out)], [0, { deleted: ada.id, items: 1 }])
  t.assert.deepStrictEqual(await owners(), [bob.id])
  t.assert.deepStrictEqual([(await ada.get('/items')).statusCode, (await logIn(ada.email)).statusCode], [401, 401])
})

test('manager delete on a terminal asks for confirmation', { skip: withoutTerminals }, async (t: TestContext) => {
  const { ada, bob, add, env } = await openStore(t)
  await add()
  const ask = (args: string[], dialogue: [string, string][]) =>
    callOnTerminal(t, ['manager', 'delete', ...args], { env, dialogue })
  for (const answer of ['no\r', '\r', '\x03']) {
    const { code, screen } = await ask([bob.id], [['Type yes: ', answer]])
    t.assert.strictEqual(code, 1)
    t.assert.match(screen, /Delete bob@example\.com \(ID .*\)\? Type yes: [^]*Nothing was deleted\.\r\n$/)
  }
  const done = await ask([ada.id, '--transfer-to', bob.id], [['and move 1 item to bob@example.com', 'yes\r']])
  t.assert.strictEqual(done.code, 0, done.screen)
  t.assert.match(done.screen, /Moved 1 item to bob@example\.com .*\r\nDeleted ada@example\.com /)
})

test('manager delete waits for an item that is being created', async (t: TestContext) => {
  const { ada, client, owners, manager, isWaiting } = await openStore(t)
  await client.query(`begin; insert into items values (gen_random_uuid(), 'x', 'Pet', 1, true, '${ada.id}')`)
  const deleting = manager('delete', ada.id, '--yes')
  await until(() => isWaiting(), 20_000)
  await client.query('commit')
  const { code, err } = await deleting
  t.assert.strictEqual(code, 1)
  t.assert.match(err, /^The manager owns items\. .*\n$/)
  t.assert.deepStrictEqual(await owners(), [ada.id])
})

test('creating an item while its manager is deleted is refused', async (t: TestContext) => {
  const { ada, client, owners, isWaiting } = await openStore(t)
  await client.query(`begin; delete from store_managers where id = '${ada.id}'`)
  const creating = ada.post('/items', tea)
  await until(() => isWaiting())
  await client.query('commit')
  t.assert.strictEqual((await creating).statusCode, 401)
  t.assert.deepStrictEqual(await owners(), [])
})

test('manager delete --transfer-to moves items created meanwhile', async (t: TestContext) => {
  const { ada, bob, add, client, connect, owners, manager, lockItems, isWaiting } = await openStore(t)
  await add()
  await lockItems()
  const deleting = manager('delete', ada.id, '--yes', '--transfer-to', bob.id)
  await until(() => isWaiting(), 20_000)
  // While the first items are moved, more can be made: here one that comes before them in the order of the IDs.
  await add()
  const early = '00000000-0000-0000-0000-000000000001'
  const other = await connect()
  await other.query(`begin; insert into items values ('${early}', 'x', 'Pet', 1, true, '${ada.id}')`)
  await client.query('commit')
  await until(() => isWaiting(other), 20_000)
  await other.query('commit')
  t.assert.deepStrictEqual([(await deleting).code, await owners()], [0, [bob.id, bob.id, bob.id]])
  t.assert.strictEqual((await ada.post('/items', tea)).statusCode, 401)
})

test('a transfer to a manager deleted meanwhile moves nothing', async (t: TestContext) => {
  const { ada, bob, add, client, manager, isWaiting } = await openStore(t)
  await add()
  await client.query(`begin; delete from store_managers where id = '${bob.id}'`)
  const moving = manager('transfer', ada.id, bob.id)
  await until(() => isWaiting(), 20_000)
  await client.query('commit')
  const { code, err } = await moving
  t.assert.strictEqual(code, 1)
  t.assert.match(err, /^The receiving manager no longer exists\. Nothing was changed\.\n$/)
  t.assert.strictEqual((await client.query(`select from items where store_manager_id = '${ada.id}'`)).rowCount, 1)
})

test('manager delete leaves nothing of the account in the embedded database', async (t: TestContext) => {
  const env = { DATA_DIR: await temporaryFolder(t), LOG_LEVEL: 'warn', BCRYPT_COST: '10' }
  const create = ['manager', 'create', '--name', 'Ada', '--email', 'ada@example.com']
  t.assert.strictEqual((await call(t, create, { env, input: password })).code, 0)
  t.assert.strictEqual((await call(t, ['manager', 'delete', 'ada@example.com', '--yes'], { env })).code, 0)
  t.assert.strictEqual((await call(t, ['manager', 'list', '--json'], { env })).out, '[]\n')
})
