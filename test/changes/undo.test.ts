import { test, type TestContext } from 'node:test'

import { sql } from 'kysely'

import type { ItemChange } from '../../src/changes/schemas.ts'
import type { UndoConflict } from '../../src/changes/undo/schemas.ts'
import type { Database } from '../../src/database/database.ts'
import { transfer } from '../../src/operator/transfer.ts'
import { type Manager, openApp, type TestApp } from '../support/app.ts'
import { onlyPlain } from '../support/citus.ts'
import { password } from '../support/fixtures.ts'
import { findDisagreements, readHistory } from '../support/history.ts'
import { until } from '../support/until.ts'

const tea = { name: 'Green tea', category: 'Grocery', price_usd: 4.49, in_stock: true }
const csv = { 'content-type': 'text/csv' }
const unknown = '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'
const unordered = onlyPlain('Citus restores items of several nodes at the same time')

test('undoing a creation deletes the item', async (t: TestContext) => {
  const { app, ada } = await open(t)
  const { id } = (await ada.post('/items', tea)).json()
  const set = await lastSet(ada)
  const answer = await ada.post(`/changes/${set}/undo`, undefined, { 'x-request-id': 'sorry' })
  t.assert.strictEqual(answer.statusCode, 200)
  const { change, changes, ...report } = answer.json()
  t.assert.deepStrictEqual(report, {
    dry_run: false,
    created: 0,
    updated: 0,
    deleted: 1,
    conflicting: 0,
    conflicts: [],
  })
  t.assert.deepStrictEqual(change, {
    id: change.id,
    at: change.at,
    kind: 'undo',
    source: 'api',
    store_manager: { id: ada.id, name: 'Ada Lovelace' },
    request_id: 'sorry',
    created: 0,
    updated: 0,
    deleted: 1,
    undoes: set,
  })
  t.assert.deepStrictEqual(changes, (await ada.get(`/changes/${change.id}/items`)).json())
  t.assert.deepStrictEqual(
    changes.map(({ item_id, kind, version, fields }: ItemChange) => [item_id, kind, version, fields.price_usd]),
    [[id, 'delete', 2, [4.49, null]]],
  )
  t.assert.strictEqual((await ada.get(`/changes/${set}`)).json().undone_by, change.id)
  t.assert.strictEqual((await ada.get(`/items/${id}`)).statusCode, 404)
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('undoing a deletion restores the item with its ID and version', async (t: TestContext) => {
  const { app, ada } = await open(t)
  const item = (await ada.post('/items', { ...tea, price_usd: 0.1 })).json()
  await ada.patch(`/items/${item.id}`, { price_usd: 1234567.1234567 })
  await ada.delete(`/items/${item.id}`)
  const { created, changes } = (await ada.post(`/changes/${await lastSet(ada)}/undo`)).json()
  t.assert.deepStrictEqual([created, changes[0].kind, changes[0].version], [1, 'create', 4])
  const restored = await ada.get(`/items/${item.id}`)
  t.assert.deepStrictEqual(restored.json(), { ...item, price_usd: 1234567.1234567 })
  t.assert.strictEqual(restored.headers.etag, '"4"')
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('undoing an update restores only the fields that it changed', async (t: TestContext) => {
  const { app, ada } = await open(t)
  const item = (await ada.post('/items', { ...tea, price_usd: 0.30000000000000004 })).json()
  await ada.patch(`/items/${item.id}`, { name: 'Tea', price_usd: 0.3, in_stock: false, category: 'Pet' })
  const { updated, changes } = (await ada.post(`/changes/${await lastSet(ada)}/undo`)).json()
  t.assert.deepStrictEqual([updated, changes[0].name, changes[0].version], [1, 'Green tea', 3])
  t.assert.deepStrictEqual(changes[0].fields, {
    name: ['Tea', 'Green tea'],
    category: ['Pet', 'Grocery'],
    price_usd: [0.3, 0.30000000000000004],
    in_stock: [false, true],
  })
  t.assert.deepStrictEqual((await ada.get(`/items/${item.id}`)).json(), item)
  await ada.patch(`/items/${item.id}`, { price_usd: 7 })
  const { changes: next } = (await ada.post(`/changes/${await lastSet(ada)}/undo`)).json()
  t.assert.deepStrictEqual(next[0].fields, { price_usd: [7, 0.30000000000000004] })
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('an undo can be undone, again and again', async (t: TestContext) => {
  const { app, ada } = await open(t)
  const kept = (await ada.post('/items', tea)).json()
  const rows = [`${kept.id},Black tea,Pet,5,true`, ',Cup,Household,3,false']
  await ada.post('/items/import?mode=upsert', `id,name,category,price_usd,in_stock\n${rows.join('\n')}`, csv)
  const after = (await ada.get('/items')).json()
  for (let round = 1; round <= 2; round++) {
    const undone = (await ada.post(`/changes/${await lastSet(ada)}/undo`)).json()
    t.assert.deepStrictEqual([undone.updated, undone.deleted], [1, 1])
    t.assert.deepStrictEqual((await ada.get('/items')).json(), { [kept.id]: kept })
    const redone = (await ada.post(`/changes/${undone.change.id}/undo`)).json()
    t.assert.deepStrictEqual([redone.updated, redone.created], [1, 1])
    t.assert.deepStrictEqual((await ada.get('/items')).json(), after)
  }
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('items that have changed since stop an undo', async (t: TestContext) => {
  const { ada, ids, set, app } = await openImported(t, 4)
  const [changed = '', gone = ''] = ids
  await ada.patch(`/items/${changed}`, { price_usd: 9 })
  await ada.delete(`/items/${gone}`)
  const before = await readHistory(app)
  for (const query of ['', '?on_conflict=stop', '?dry_run=true']) {
    const refused = await ada.post(`/changes/${set}/undo${query}`)
    const { code, conflicting, conflicts } = refused.json()
    t.assert.deepStrictEqual([refused.statusCode, code, conflicting], [409, 'undo_conflict', 2])
    const current = { ...(await ada.get(`/items/${changed}`)).json(), version: 2 }
    t.assert.deepStrictEqual(conflicts, [
      { item_id: changed, name: 'Tea 0', reason: 'changed', current },
      { item_id: gone, name: 'Tea 1', reason: 'deleted', current: null },
    ])
  }
  t.assert.deepStrictEqual(await readHistory(app), before)
})

test('on_conflict=skip leaves items as they are that changed since', async (t: TestContext) => {
  const { ada, ids, set, app } = await openImported(t, 4)
  const [changed = '', gone = '', ...others] = ids
  await ada.patch(`/items/${changed}`, { price_usd: 9 })
  await ada.delete(`/items/${gone}`)
  const path = `/changes/${set}/undo?on_conflict=skip`
  const tried = (await ada.post(`${path}&dry_run=true`)).json()
  const report = (await ada.post(path)).json()
  t.assert.deepStrictEqual({ ...report, dry_run: true, change: null }, tried)
  t.assert.deepStrictEqual([report.deleted, report.conflicting, report.change.deleted], [2, 2, 2])
  t.assert.deepStrictEqual(reasonsOf(report.conflicts), ['changed', 'deleted'])
  t.assert.deepStrictEqual(
    report.changes.map((change: ItemChange) => change.item_id),
    others,
  )
  t.assert.deepStrictEqual(Object.keys((await ada.get('/items')).json()), [changed])
  const again = (await ada.post(path)).json()
  t.assert.deepStrictEqual([again.change, again.conflicting, again.changes], [null, 4, []])
  t.assert.strictEqual((await ada.get(`/changes/${set}`)).json().undone_by, report.change.id)
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('a restored item conflicts with the undo of its deletion', async (t: TestContext) => {
  const { app, ada } = await open(t)
  const { id } = (await ada.post('/items', tea)).json()
  await ada.delete(`/items/${id}`)
  const deletion = await lastSet(ada)
  const undo = async () => reasonsOf((await ada.post(`/changes/${deletion}/undo?on_conflict=skip`)).json().conflicts)
  t.assert.deepStrictEqual(await undo(), [])
  t.assert.deepStrictEqual(await undo(), ['exists'])
  await ada.delete(`/items/${id}`)
  t.assert.deepStrictEqual(await undo(), ['deleted'])
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('a dry run reports what an undo would write', async (t: TestContext) => {
  const { app, ada } = await open(t)
  const writes = {
    created: async () => {},
    updated: (id: string) => ada.patch(`/items/${id}`, { price_usd: 0.1, name: 'Tea' }),
    deleted: (id: string) => ada.delete(`/items/${id}`),
  }
  for (const write of Object.values(writes)) {
    await write((await ada.post('/items', tea)).json().id)
    const path = `/changes/${await lastSet(ada)}/undo`
    const before = await readHistory(app)
    const tried = (await ada.post(`${path}?dry_run=true`)).json()
    t.assert.deepStrictEqual(await readHistory(app), before)
    t.assert.deepStrictEqual([tried.change, tried.changes.length], [null, 1])
    const done = (await ada.post(path)).json()
    t.assert.deepStrictEqual(tried, { ...done, dry_run: true, change: null })
  }
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('an option of an undo in a body is refused', async (t: TestContext) => {
  const { ada } = await open(t)
  await ada.post('/items', tea)
  const set = await lastSet(ada)
  for (const body of [{ dry_run: true }, { on_conflict: 'skip' }]) {
    const refused = await ada.post(`/changes/${set}/undo`, body)
    t.assert.deepStrictEqual([refused.statusCode, refused.json().errors[0].loc], [422, ['body', Object.keys(body)[0]]])
  }
  t.assert.strictEqual((await ada.post(`/changes/${set}/undo`, { reason: 'a mistake' })).statusCode, 200)
})

test('only its owner may restore an item', async (t: TestContext) => {
  const { app, ada } = await open(t)
  const bob = await app.signIn('bob@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  for (const change of [() => Promise.resolve(), () => ada.delete(`/items/${id}`)]) {
    await change()
    const set = await lastSet(ada)
    for (const query of ['', '?dry_run=true']) {
      const refused = await bob.post(`/changes/${set}/undo${query}`)
      t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [403, 'not_owner'])
      t.assert.match(refused.json().detail, /1 item belongs to other managers/)
    }
    const skipped = (await bob.post(`/changes/${set}/undo?on_conflict=skip`)).json()
    t.assert.deepStrictEqual([skipped.change, skipped.conflicting], [null, 1])
    t.assert.deepStrictEqual(reasonsOf(skipped.conflicts), ['not_owner'])
  }
  t.assert.deepStrictEqual((await readHistory(app)).length, 2)
})

test('with ITEM_WRITES=shared, any manager may undo any set', async (t: TestContext) => {
  const { app, ada } = await open(t, { ITEM_WRITES: 'shared' })
  const bob = await app.signIn('bob@example.com')
  const item = (await ada.post('/items', tea)).json()
  await ada.delete(`/items/${item.id}`)
  t.assert.strictEqual((await bob.post(`/changes/${await lastSet(ada)}/undo`)).json().created, 1)
  t.assert.deepStrictEqual((await ada.get(`/items/${item.id}`)).json(), item)
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('an item is not restored to an owner whose account was deleted', async (t: TestContext) => {
  const { app, ada } = await open(t, { ITEM_WRITES: 'shared' })
  const bob = await app.signIn('bob@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.delete(`/items/${id}`)
  const set = await lastSet(ada)
  await ada.delete('/store-managers/me', { current_password: password })
  const { code, conflicts } = (await bob.post(`/changes/${set}/undo`)).json()
  t.assert.deepStrictEqual([code, reasonsOf(conflicts)], ['undo_conflict', ['owner_deleted']])
  const skipped = (await bob.post(`/changes/${set}/undo?on_conflict=skip`)).json()
  t.assert.deepStrictEqual([skipped.change, skipped.conflicting], [null, 1])
})

test('an item is not restored to an owner who is being deleted', async (t: TestContext) => {
  const { app, ada } = await open(t, { ITEM_WRITES: 'shared' })
  const bob = await app.signIn('bob@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  await ada.delete(`/items/${id}`)
  const set = await lastSet(ada)
  const undoing = await app.context.db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('store_managers').where('id', '=', ada.id).execute()
    const answer = bob.post(`/changes/${set}/undo`)
    await until(async () => (await waiting(app)) > 0)
    return { answer }
  })
  t.assert.deepStrictEqual(reasonsOf((await undoing.answer).json().conflicts), ['owner_deleted'])
})

test('undoing a transfer gives the items back', async (t: TestContext) => {
  const { app, ada } = await open(t)
  const bob = await app.signIn('bob@example.com')
  const item = (await ada.post('/items', tea)).json()
  const progress = { add() {}, restart() {} }
  const { engine } = app.context.pool
  await transfer(app.context.db, { engine, from: ada.id, to: bob.id, signal: new AbortController().signal, progress })
  const set = await lastSet(ada)
  t.assert.strictEqual((await ada.post(`/changes/${set}/undo`)).json().code, 'not_owner')
  const { updated, changes } = (await bob.post(`/changes/${set}/undo`)).json()
  t.assert.deepStrictEqual([updated, changes[0].fields], [1, { store_manager_id: [bob.id, ada.id] }])
  t.assert.deepStrictEqual((await ada.get(`/items/${item.id}`)).json(), item)
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('an import of 10,000 rows is undone and redone', async (t: TestContext) => {
  const { ada, set, app } = await openImported(t, 10_000)
  const before = (await ada.get('/items')).body
  const undone = (await ada.post(`/changes/${set}/undo`)).json()
  t.assert.deepStrictEqual([undone.deleted, undone.changes.length], [10_000, 100])
  t.assert.deepStrictEqual((await ada.get('/items')).json(), {})
  const refused = (await ada.post(`/changes/${set}/undo`)).json()
  t.assert.deepStrictEqual([refused.conflicting, refused.conflicts.length], [10_000, 1_000])
  t.assert.strictEqual((await ada.post(`/changes/${undone.change.id}/undo`)).json().created, 10_000)
  t.assert.strictEqual((await ada.get('/items')).body, before)
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('undoing bulk changes restores prices exactly, and deleted items', async (t: TestContext) => {
  const { app, ada, ids } = await openImported(t, 20)
  await ada.post('/items', { ...tea, price_usd: 0.30000000000000004 })
  const before = (await ada.get('/items')).json()
  const kept = ids[3] ?? ''
  for (const change of [{ price: { percent: 10, round: 0.01 } }, 'delete']) {
    const select = { filters: { category: ['Grocery'] } }
    const { changed } = (await ada.post('/items/bulk', { select, change })).json()
    t.assert.ok(changed > 19)
    const { conflicting } = (await ada.post(`/changes/${await lastSet(ada)}/undo`)).json()
    t.assert.strictEqual(conflicting, 0)
    t.assert.deepStrictEqual((await ada.get('/items')).json(), before)
  }
  t.assert.strictEqual((await ada.get(`/items/${kept}`)).headers.etag, '"5"')
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

for (const [kind, query] of Object.entries({ stop: '', skip: '?on_conflict=skip' })) {
  test(`of concurrent undos of a set, one restores each item (${kind})`, async (t: TestContext) => {
    const { ada, set, app } = await openImported(t, 300, { ITEM_WRITES: 'shared' })
    const eve = await app.signIn('eve@example.com')
    const undone = await undoTogether([ada, eve], `/changes/${set}/undo${query}`)
    const deleted = undone.map((answer) => Number(answer.json().deleted ?? 0))
    t.assert.deepStrictEqual(sum(deleted), 300)
    if (kind === 'stop') t.assert.deepStrictEqual(statusesOf(undone), [200, 409])
    const redoing = undone.find((answer) => answer.json().deleted === 300)?.json().change.id
    const redone = await undoTogether([ada, eve], `/changes/${redoing}/undo${query}`)
    t.assert.strictEqual(sum(redone.map((answer) => Number(answer.json().created ?? 0))), 300)
    t.assert.strictEqual(Object.keys((await ada.get('/items')).json()).length, 300)
    t.assert.deepStrictEqual(await findDisagreements(app), [])
  })
}

for (const [how, expected] of Object.entries({ stop: [409, 3, 0, 1], skip: [200, 1, 2, 1] })) {
  test(`an item that changes while an undo waits for it is kept (${how})`, async (t: TestContext) => {
    const { ada, ids, set, app } = await openImported(t, 3)
    const [, changed = ''] = ids
    const undoing = await whileHeld(app, changed, async (transaction) => {
      const answer = ada.post(`/changes/${set}/undo?on_conflict=${how}`)
      await until(async () => (await waiting(app)) > 0)
      await sql`update items set price_usd = 77, version = version + 1 where id = ${changed}`.execute(transaction)
      return { answer }
    })
    const answer = await undoing.answer
    const { deleted = 0, conflicting, conflicts } = answer.json()
    const left = Object.keys((await ada.get('/items')).json()).length
    t.assert.deepStrictEqual([answer.statusCode, left, deleted, conflicting], expected)
    t.assert.deepStrictEqual(reasonsOf(conflicts), ['changed'])
    t.assert.strictEqual((await ada.get(`/items/${changed}`)).json().price_usd, 77)
  })
}

test('of a deleted set, items that were deleted again are left out', async (t: TestContext) => {
  const { ada, ids, app } = await openImported(t, 3)
  const deletion = await undoLast(ada)
  const [again = '', ...others] = ids
  await importItem(ada, again)
  await ada.delete(`/items/${again}`)
  const report = (await ada.post(`/changes/${deletion}/undo?on_conflict=skip`)).json()
  t.assert.deepStrictEqual([report.created, reasonsOf(report.conflicts)], [2, ['deleted']])
  t.assert.deepStrictEqual(Object.keys((await ada.get('/items')).json()), others)
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('an item that is created while an undo waits for its ID is kept', async (t: TestContext) => {
  const { ada, ids, app } = await openImported(t, 3)
  const deletion = await undoLast(ada)
  const [, id = ''] = ids
  const undoing = await app.context.db.transaction().execute(async (transaction) => {
    await insertItem(transaction, id, ada)
    const answer = ada.post(`/changes/${deletion}/undo`)
    await until(async () => (await waiting(app)) > 0)
    return { answer }
  })
  const { code, conflicts } = (await undoing.answer).json()
  t.assert.deepStrictEqual([code, reasonsOf(conflicts)], ['undo_conflict', ['exists']])
})

test(
  'an item that is created and deleted during an undo is not restored',
  { skip: unordered },
  async (t: TestContext) => {
    const { ada, ids, app } = await openImported(t, 3)
    const deletion = await undoLast(ada)
    const [first = '', , last = ''] = ids
    const undoing = await app.context.db.transaction().execute(async (transaction) => {
      await insertItem(transaction, first, ada)
      const answer = ada.post(`/changes/${deletion}/undo`)
      await until(async () => (await waiting(app)) > 0)
      await importItem(ada, last)
      await ada.delete(`/items/${last}`)
      // No other transaction ever sees it.
      await sql`delete from items where id = ${first}`.execute(transaction)
      return { answer }
    })
    const { code, conflicts } = (await undoing.answer).json()
    t.assert.deepStrictEqual([code, reasonsOf(conflicts)], ['undo_conflict', ['deleted']])
    t.assert.deepStrictEqual(await findDisagreements(app), [])
  },
)

test('an undo during a logout is rolled back', async (t: TestContext) => {
  const { ada, ids, set, app } = await openImported(t, 3)
  const undoing = await whileHeld(app, ids[2] ?? '', async () => {
    const answer = ada.post(`/changes/${set}/undo`)
    await until(async () => (await waiting(app)) > 0)
    await ada.post('/store-managers/logout')
    return { answer }
  })
  const refused = await undoing.answer
  t.assert.deepStrictEqual([refused.statusCode, refused.json().code], [401, 'invalid_token'])
  const eve = await app.signIn('eve@example.com')
  t.assert.strictEqual(Object.keys((await eve.get('/items')).json()).length, 3)
  t.assert.deepStrictEqual(await findDisagreements(app), [])
})

test('undoes what is recorded, and rejects what is not', async (t: TestContext) => {
  const { app, ada, set } = await openImported(t, 3, { REQUIRE_IF_MATCH: 'true' })
  const codes = async (path: string) => {
    const answer = await ada.post(path)
    return [answer.statusCode, answer.json().code]
  }
  t.assert.deepStrictEqual(await codes(`/changes/${unknown}/undo`), [404, 'change_not_found'])
  t.assert.deepStrictEqual(await codes('/changes/x/undo'), [422, 'invalid_request'])
  t.assert.deepStrictEqual(await codes(`/changes/${set}/undo?dryrun=true`), [422, 'invalid_request'])
  t.assert.deepStrictEqual(await codes(`/changes/${set}/undo?on_conflict=ask`), [422, 'invalid_request'])
  t.assert.strictEqual((await app.send({ method: 'POST', url: `/changes/${set}/undo` })).statusCode, 401)
  await sql`delete from item_changes where item_id in (select item_id from item_changes limit 1)`.execute(
    app.context.db,
  )
  t.assert.deepStrictEqual(await codes(`/changes/${set}/undo`), [404, 'change_not_found'])
  await ada.post('/items', tea)
  // REQUIRE_IF_MATCH does not apply to an undo, which compares versions itself.
  t.assert.deepStrictEqual(await codes(`/changes/${(await lastSet(ada)).toUpperCase()}/undo`), [200, undefined])
})

async function open(t: TestContext, env: Record<string, string> = {}) {
  const app = await openApp(t, env)
  return { app, ada: await app.signIn('ada@example.com') }
}

/** An application with a set of this many imported items. */
async function openImported(t: TestContext, rows: number, env: Record<string, string> = {}) {
  const { app, ada } = await open(t, env)
  const lines = Array.from({ length: rows }, (_, n) => `Tea ${n},Grocery,${n}.1,true\n`)
  await ada.post('/items/import', `name,category,price_usd,in_stock\n${lines.join('')}`, csv)
  return { app, ada, ids: Object.keys((await ada.get('/items')).json()), set: await lastSet(ada) }
}

async function lastSet(manager: Manager): Promise<string> {
  return (await manager.get('/changes?limit=1')).json()[0].id
}

/** @returns the undo */
async function undoLast(manager: Manager): Promise<string> {
  return (await manager.post(`/changes/${await lastSet(manager)}/undo`)).json().change.id
}

function importItem(manager: Manager, id: string) {
  return manager.post('/items/import', `id,name,category,price_usd,in_stock\n${id},Tea,Pet,1,true\n`, csv)
}

function insertItem(db: Database, id: string, owner: Manager) {
  return sql`insert into items (id, name, category, price_usd, in_stock, store_manager_id)
    values (${id}, 'Tea', 'Pet', 1, true, ${owner.id})`.execute(db)
}

/** Runs `work` while the item is locked. */
function whileHeld<Result>({ context }: TestApp, id: string, work: (transaction: Database) => Promise<Result>) {
  return context.db.transaction().execute(async (transaction) => {
    await sql`select from items where id = ${id} for update`.execute(transaction)
    return work(transaction)
  })
}

/** Undos that wait for an item. On Citus, they wait before their own statement. */
async function waiting({ server, context: { db, pool } }: TestApp): Promise<number> {
  const waiters = server.isCitus
    ? sql`citus_lock_waits where blocked_statement like ${`%${pool.schema}%`}`
    : sql`pg_stat_activity where wait_event_type = 'Lock' and query like '%reverted%'`
  const { rows } = await sql<{ count: number }>`select count(*)::integer from ${waiters}`.execute(db)
  return rows[0]?.count ?? 0
}

const undoTogether = (managers: Manager[], path: string) => Promise.all(managers.map((each) => each.post(path)))
const statusesOf = (answers: { statusCode: number }[]) => answers.map(({ statusCode }) => statusCode).toSorted()
const reasonsOf = (conflicts: UndoConflict[]) => conflicts.map(({ reason }) => reason)
const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0)
