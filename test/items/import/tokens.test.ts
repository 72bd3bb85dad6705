import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Token } from '../../../src/auth/claims.ts'
import { lockToken } from '../../../src/auth/token-lock.ts'
import { withLongTransaction, type Session } from '../../../src/database/long-transaction.ts'
import { password } from '../../support/fixtures.ts'
import { header, lines, openImporting } from '../../support/imports.ts'
import {
  responseOf,
  begin,
  chunk,
  isWriting,
  type Listening,
  openListening,
  rows,
  whileLocked,
} from '../../support/slow-imports.ts'

const endings = {
  'a logout': (app: Listening) => app.ada.post('/store-managers/logout'),
  'a logout everywhere': (app: Listening) => app.ada.post('/store-managers/logout?scope=all'),
  'the deletion of its manager': ({ context, ada }: Listening) =>
    context.db.deleteFrom('store_managers').where('id', '=', ada.id).execute(),
  'the disabling of its manager': ({ context, ada }: Listening) =>
    context.db.updateTable('store_managers').set({ disabled_at: new Date() }).where('id', '=', ada.id).execute(),
}

for (const [what, end] of Object.entries(endings)) {
  test(`an import that ends after ${what} writes nothing`, async (t: TestContext) => {
    const app = await openListening(t)
    const socket = await begin(t, app, {})
    socket.write(chunk(rows(100)))
    await app.isReading()
    await end(app)
    socket.write('0\r\n\r\n')
    t.assert.match(await responseOf(socket), /^HTTP\/1\.1 401 .*"code":"invalid_token"/s)
    t.assert.deepStrictEqual(await namesOf(app), [])
  })

  test(`an import written during ${what} is rolled back`, async (t: TestContext) => {
    const app = await openListening(t)
    const body = rows(100)
    const socket = await begin(t, app, { length: body.length })
    const ended = await whileLocked(app, async () => {
      socket.write(body)
      await isWriting(app)
      await end(app)
    })
    t.assert.strictEqual(ended, undefined)
    t.assert.match(await responseOf(socket), /^HTTP\/1\.1 401 .*"code":"invalid_token"/s)
    t.assert.deepStrictEqual(await namesOf(app), [])
  })
}

test('an import stops reading its file soon after its token has ended', async (t: TestContext) => {
  const app = await openListening(t)
  const socket = await begin(t, app, {})
  socket.write(chunk(lines(header)))
  await app.isReading()
  const sending = setInterval(() => socket.write(chunk(lines('a,Pet,1,true'))), 50)
  t.after(() => clearInterval(sending))
  await app.ada.post('/store-managers/logout')
  t.assert.match(await responseOf(socket), /^HTTP\/1\.1 401 .*"code":"invalid_token"/s)
})

test('an import continues after a password change that keeps its token', async (t: TestContext) => {
  const app = await openListening(t)
  const socket = await begin(t, app, {})
  socket.write(chunk(rows(100)))
  await app.isReading()
  const change = { password: 'another horse battery', current_password: password }
  t.assert.strictEqual((await app.ada.patch('/store-managers/me', change)).statusCode, 200)
  socket.write('0\r\n\r\n')
  t.assert.match(await responseOf(socket), /^HTTP\/1\.1 200 .*"created":100,/s)
})

test('a token locked for a commit can be revoked only after it', async (t: TestContext) => {
  const { context, ada } = await openImporting(t)
  const { revocations, tokens } = context
  const token = await tokens.verify(`Bearer ${ada.token}`)
  const inTransaction = (work: (session: Session) => Promise<unknown>) =>
    withLongTransaction(context.pool, new AbortController().signal, work)

  for (const end of [revocations.revoke, revocations.revokeAll]) {
    let ended = false
    let ending: Promise<void> | undefined
    await inTransaction(async (session) => {
      await lockToken(session, token)
      ending = end(token).then(() => void (ended = true))
      await sleep(200)
      t.assert.strictEqual(ended, false)
    })
    await ending
    const isRefused = { code: 'invalid_token', message: 'The token has been revoked.' }
    await t.assert.rejects(
      inTransaction((session) => lockToken(session, token)),
      isRefused,
    )
    await context.db.deleteFrom('revoked_tokens').execute()
  }
  const refused = (changes: Partial<Token>) =>
    t.assert.rejects(
      inTransaction((session) => lockToken(session, { ...token, generation: 1, ...changes })),
      {
        code: 'invalid_token',
      },
    )
  await refused({ exp: Math.floor(Date.now() / 1000) })
  await refused({ sub: '019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70' })
  await inTransaction((session) => lockToken(session, { ...token, generation: 1 }))
})

async function namesOf({ context }: Listening): Promise<string[]> {
  const items = await context.db.selectFrom('items').select('name').execute()
  return items.map(({ name }) => name)
}
