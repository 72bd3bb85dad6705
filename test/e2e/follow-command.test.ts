import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'
import { call } from '../support/command.ts'
import { tea } from '../support/fixtures.ts'
import { run, temporaryFolder } from '../support/service.ts'
import { until } from '../support/until.ts'

test('follow prints a line for each change until it is interrupted', async (t: TestContext) => {
  const { app, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const { id } = (await ada.post('/items', tea)).json()
  const env = {
    XDG_CONFIG_HOME: await temporaryFolder(t),
    STOCKROOM_URL: await app.listen({ port: 0, host: '127.0.0.1' }),
    STOCKROOM_TOKEN: ada.token,
  }
  const command = join(import.meta.dirname, '../../bin/stockroom.js')
  const following = run(t, 'node', [command, 'follow', '--since', 'beginning'], env)
  await until(() => following.output().includes(`present ${tea.name}`))
  await ada.patch(`/items/${id}`, { price_usd: 5.25 })
  await until(() => following.output().includes('version 2'))
  t.assert.match(
    following.output(),
    new RegExp(`update ${tea.name} \\(${id}, version 2\\) by Ada Lovelace: price_usd ${tea.price_usd} → 5.25\n`),
  )
  following.child.kill('SIGINT')
  t.assert.strictEqual(await following.ended, 130)
})

test('follow names a wrong cursor, and one whose history is gone', async (t: TestContext) => {
  const { app, signIn } = await openApp(t)
  const { token } = await signIn('ada@example.com')
  const env = { STOCKROOM_URL: await app.listen({ port: 0, host: '127.0.0.1' }), STOCKROOM_TOKEN: token }
  const wrong = await call(t, ['follow', '--since', 'yesterday'], { env })
  t.assert.deepStrictEqual(wrong, {
    code: 1,
    out: '',
    err: '--since must be now, beginning, or a cursor from an earlier response.\n',
  })
  const gone = await call(t, ['follow', '--since', `c.0123456789abcdef.1.${'0'.repeat(32)}.1`], { env })
  t.assert.strictEqual(gone.code, 1)
  t.assert.match(gone.err, /^The cursor is no longer valid\. .* Begin again with --since beginning\.\n$/)
})
