import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'
import { openRunner, toCollection } from '../support/postman.ts'
import { issueCode } from '../support/reset-codes.ts'

for (const withOptional of [true, false]) {
  const which = withOptional ? 'all parameters' : 'required parameters alone'
  test(`a Postman collection of the document runs with ${which}`, async (t: TestContext) => {
    const { app, context, send } = await openApp(t)
    const collection = await toCollection((await send({ url: '/openapi.json' })).json(), withOptional)
    const run = openRunner(collection, await app.listen({ port: 0, host: '127.0.0.1' }))
    const sent = new Set<string>()
    const call = (name: string, variables?: Record<string, string>) => {
      sent.add(name)
      return run(name, variables)
    }
    await call('POST /store-managers')
    await call('POST /store-managers/token')
    await call('GET /store-managers/me')
    await call('PATCH /store-managers/me')
    const { id } = (await (await call('POST /items')).json()) as { id: string }
    t.assert.deepStrictEqual(Object.keys((await (await call('GET /items')).json()) as object), [id])
    await call('GET /items/summary')
    t.assert.match(await (await call('GET /items/export')).text(), /Green tea, 100 bags/)
    const report = (await (await call('POST /items/import')).json()) as object
    t.assert.deepStrictEqual(report, { ...report, dry_run: withOptional, created: 2, failed: 0 })
    const bulk = (await (await call('POST /items/bulk')).json()) as object
    t.assert.deepStrictEqual(bulk, { ...bulk, dry_run: withOptional, matched: 0 })
    await call('GET /items/:id', { id })
    await call('PATCH /items/:id', { id })
    await call('GET /changes')
    const sets = context.db.selectFrom('change_sets').select('id').orderBy('id', 'desc')
    const change = await sets.executeTakeFirstOrThrow()
    await call('GET /changes/:id', change)
    await call('GET /changes/:id/items', change)
    await call('GET /items/:id/changes', { id })
    await call('GET /changes/feed')
    await call('POST /changes/:id/undo', change)
    for (const method of ['GET', 'POST']) {
      await call(`${method} /store-managers/logout`)
      await call('POST /store-managers/token')
    }
    const reset = 'POST /store-managers/reset-password'
    await issueCode(context, JSON.parse(collection.get(reset)?.body?.raw ?? '').code)
    await call(reset)
    await call('POST /store-managers/token')
    const items = await context.db.selectFrom('items').select('id').execute()
    t.assert.strictEqual(items.length, withOptional ? 1 : 3)
    for (const item of items) await call('DELETE /items/:id', item)
    await call('DELETE /store-managers/me')
    t.assert.deepStrictEqual([...sent].toSorted(), [...collection.keys()].toSorted())
  })
}
