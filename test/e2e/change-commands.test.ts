import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'
import { call } from '../support/command.ts'
import { temporaryFolder } from '../support/service.ts'

const tea = { name: 'Green tea', category: 'Grocery', price_usd: 4.49, in_stock: true }

/** A service with an item that was created and changed, and the command of its owner. */
async function openShop(t: TestContext) {
  const { app, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const env = { XDG_CONFIG_HOME: await temporaryFolder(t), STOCKROOM_URL: url, STOCKROOM_TOKEN: ada.token }
  const { id } = (await ada.post('/items', tea)).json()
  await ada.patch(`/items/${id}`, { price_usd: 4.99, in_stock: false })
  const [update, creation] = (await ada.get('/changes')).json().map((set: { id: string }) => set.id)
  const stockroom = (...args: string[]) => call(t, args, { env })
  return { ada, signIn, id, update, creation, stockroom }
}

test('changes are listed, filtered, and shown', async (t: TestContext) => {
  const { id, update, creation, stockroom, signIn } = await openShop(t)
  await (await signIn('bob@example.com')).post('/items', tea)
  const listed = await stockroom('changes', '--item', id)
  t.assert.deepStrictEqual(listed.out.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, '<time>          ').split('\n'), [
    'ID                                    TIME              KIND      CREATED  UPDATED  DELETED  MANAGER',
    `${update}  <time>            update          0        1        0  Ada Lovelace`,
    `${creation}  <time>            create          1        0        0  Ada Lovelace`,
    '',
  ])
  const ids = async (...args: string[]) => {
    const { out } = await stockroom('changes', 'list', '--json', ...args)
    return JSON.parse(out).map((set: { id: string }) => set.id)
  }
  t.assert.deepStrictEqual(await ids('--mine', '--kind', 'create'), [creation])
  t.assert.deepStrictEqual(await ids('--mine', '--since', '2025-11-10T15:30'), [update, creation])
  t.assert.deepStrictEqual(await ids('--until', '2025-11-10'), [])
  const first = await stockroom('changes', '--mine', '--limit', '1')
  t.assert.strictEqual(first.err, 'There are more changes. Use --limit to show them.\n')
  const shown = await stockroom('changes', 'show', update)
  t.assert.match(shown.out, /^id +[\w-]{36}\nat .*\nkind +update\nsource +api\nstore_manager +Ada Lovelace\n/)
  t.assert.match(shown.out, /\n\nGreen tea: price_usd 4\.49 → 4\.99, in_stock true → false\n$/)
  const json = JSON.parse((await stockroom('changes', 'show', creation, '--json')).out)
  t.assert.deepStrictEqual([json.kind, json.items[0].fields.price_usd], ['create', [null, 4.49]])
})

test('changes explain wrong options and unknown sets', async (t: TestContext) => {
  const { stockroom, id } = await openShop(t)
  const wrong = await stockroom('changes', '--since', 'yesterday')
  t.assert.deepStrictEqual([wrong.code, wrong.out], [2, ''])
  t.assert.match(wrong.err, /Not a valid time\. Write it as 2025-11-10 or 2025-11-10T15:30\./)
  const invalid = await stockroom('changes', '--manager', 'ada')
  t.assert.deepStrictEqual([invalid.code, invalid.err.startsWith('--manager must be')], [1, true])
  for (const args of [
    ['changes', 'show', id],
    ['undo', id],
  ]) {
    const unknown = await stockroom(...args)
    t.assert.deepStrictEqual([unknown.code, unknown.err], [4, 'No change set has this ID.\n'])
  }
})

test('undo shows what it would restore, restores it, and is undone', async (t: TestContext) => {
  const { ada, id, update, stockroom } = await openShop(t)
  const difference =
    'Green tea: price_usd 4.99 → 4.49, in_stock false → true\nCreated 0, updated 1, deleted 0, skipped 0.'
  const tried = await stockroom('undo', update, '--dry-run')
  t.assert.deepStrictEqual([tried.code, tried.out], [0, `${difference} Dry run: nothing was written.\n`])
  const undone = await stockroom('undo', update)
  const [, undo = ''] = / To undo this: stockroom undo (\S+)\n$/.exec(undone.out) ?? []
  t.assert.deepStrictEqual([undone.code, undone.out.startsWith(difference)], [0, true])
  t.assert.strictEqual((await ada.get(`/items/${id}`)).json().price_usd, 4.49)
  const report = JSON.parse((await stockroom('undo', undo, '--json')).out)
  t.assert.deepStrictEqual([report.change.undoes, report.updated], [undo, 1])
  t.assert.strictEqual((await ada.get(`/items/${id}`)).json().price_usd, 4.99)
})

test('undo reports items that have changed since', async (t: TestContext) => {
  const { id, creation, stockroom } = await openShop(t)
  const refused = await stockroom('undo', creation)
  const reason = `Green tea (${id}): has changed since\n`
  const message =
    'Nothing was undone: 1 item conflicts with what was done since. To undo the rest, use --skip-conflicts.\n'
  t.assert.deepStrictEqual(refused, { code: 1, out: '', err: reason + message })
  const skipped = await stockroom('undo', creation, '--skip-conflicts')
  const summary = 'Created 0, updated 0, deleted 0, skipped 1. Nothing was written.\n'
  t.assert.deepStrictEqual(skipped, { code: 1, out: summary, err: reason })
  const json = await stockroom('undo', creation, '--json')
  t.assert.deepStrictEqual([json.code, json.out, JSON.parse(json.err).conflicts[0].reason], [1, '', 'changed'])
})
