import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { form, openApp, type TestApp } from '../support/app.ts'
import { password, tea } from '../support/fixtures.ts'

interface Line {
  event: string
  manager?: string
  address: string
  agent?: string
  reason?: string
  [field: string]: unknown
}

test('each change of an account logs an event with its manager', async (t: TestContext) => {
  const app = await openApp(t)
  const ada = await app.signIn('ada@example.com')
  await app.logIn('ada@example.com', 'not the password')
  await app.logIn('eve@example.com', 'not the password')
  await ada.patch('/store-managers/me', { name: 'Ada L.' })
  await ada.patch('/store-managers/me', { email: 'ada@example.org', current_password: 'not the password' })
  await ada.patch('/store-managers/me', { email: 'ada@example.org', current_password: password })
  await ada.patch('/store-managers/me', { password: 'a horse of another color', current_password: password })
  await ada.post('/store-managers/logout?scope=all')
  await ada.get('/items')
  await app.send({ url: '/items' })
  const { token } = (await app.logIn('ada@example.org', 'a horse of another color')).json()
  t.assert.strictEqual(token, undefined)
  t.assert.deepStrictEqual(
    eventsOf(app).map(({ event, manager }) => [event, manager === ada.id]),
    [
      ['account_registered', true],
      ['login_succeeded', true],
      ['login_failed', true],
      ['login_failed', false],
      ['name_changed', true],
      ['password_refused', true],
      ['email_changed', true],
      ['password_changed', true],
      ['logged_out_everywhere', true],
      ['token_refused', true],
      ['token_missing', false],
      ['login_succeeded', true],
    ],
  )
})

test('limits, refused rights, imports, and undos log events', async (t: TestContext) => {
  const app = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1', REGISTRATION_LIMIT_PER_ADDRESS: '2' })
  const ada = await app.signIn('ada@example.com')
  const bob = await app.signIn('bob@example.com')
  await app.register('eve@example.com')
  const { location = '' } = (await ada.post('/items', tea)).headers
  await bob.delete(location)
  for (const query of ['?dry_run=true', '']) {
    await ada.post(`/items/import${query}`, 'name,category,price_usd,in_stock\nTea,Grocery,1,true\n', {
      'content-type': 'text/csv',
    })
  }
  await ada.get('/items/export')
  const [{ id: set }] = (await ada.get('/changes?kind=import')).json()
  await ada.post(`/changes/${set}/undo?dry_run=true`)
  const { change: undo } = (await ada.post(`/changes/${set}/undo`)).json()
  await ada.post('/store-managers/logout')
  await app.logIn('ada@example.com', 'not the password')
  await app.logIn('ada@example.com', 'not the password')
  const events = eventsOf(app)
  t.assert.deepStrictEqual(
    events.slice(4).map(({ event }) => event),
    [
      'registration_limited',
      'authorization_denied',
      'items_imported',
      'items_exported',
      'changes_undone',
      'logged_out',
      'login_failed',
      'login_limited',
    ],
  )
  const [denied, imported, exported, undone] = events.slice(5)
  t.assert.strictEqual(denied?.manager, bob.id)
  t.assert.deepStrictEqual([imported?.['created'], imported?.['updated']], [1, 0])
  t.assert.deepStrictEqual([exported?.['items'], exported?.['complete']], [2, true])
  t.assert.deepStrictEqual([undone?.['change'], undone?.['undoes'], undone?.['deleted']], [undo.id, set, 1])
})

test('an event names the client of a request and no secret', async (t: TestContext) => {
  const app = await openApp(t, { TRUST_PROXY: '1' })
  await app.register('ada@example.com')
  const headers = { 'x-forwarded-for': '203.0.113.6:50001', 'user-agent': `\u001b[31m${'x'.repeat(400)}` }
  const { payload, headers: type } = form({ username: 'ada@example.com', password: 'hunter2hunter2' })
  await app.send({ method: 'POST', url: '/store-managers/token', payload, headers: { ...headers, ...type } })
  const [, failed] = eventsOf(app)
  t.assert.strictEqual(failed?.event, 'login_failed')
  t.assert.strictEqual(failed.address, '203.0.113.6')
  t.assert.match(failed.agent ?? '', /^\?\[31mx{195}$/)
  t.assert.doesNotMatch(JSON.stringify(failed), /hunter2|ada@example/)
})

test('the documentation describes exactly the events that exist', async (t: TestContext) => {
  const source = await readFile('src/http/security-events.ts', 'utf8')
  const events = [...source.matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, name]) => name)
  const described = await readFile('docs/reference/logs.md', 'utf8')
  const table = described.slice(described.indexOf('| event '))
  const listed = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
  t.assert.ok(events.length > 10)
  t.assert.deepStrictEqual(listed, events)
})

function eventsOf({ log }: TestApp): Line[] {
  return log.map((line) => JSON.parse(line) as Line).filter(({ event }) => event !== undefined)
}
