import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'

import { openFollowers } from '../../../src/changes/feed/followers.ts'

test('a token is checked while its requests follow, and not afterwards', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const checkToken = t.mock.fn(async () => {})
  const draining = new AbortController()
  const { join } = openFollowers({ checkToken, readiness: { draining: draining.signal } })
  const token = {
    sub: randomUUID(),
    jti: randomUUID(),
    exp: 2 ** 40,
    issuedAt: 0,
    generation: 0,
    worksElsewhere: false,
  }
  const passSeconds = async (count: number) => {
    for (let second = 0; second < count; second++) {
      t.mock.timers.tick(1_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const one = join(token)
  const other = join(token)
  await passSeconds(3)
  t.assert.strictEqual(checkToken.mock.callCount(), 3)
  one[Symbol.dispose]()
  await passSeconds(3)
  t.assert.strictEqual(checkToken.mock.callCount(), 6)
  other[Symbol.dispose]()
  await passSeconds(3)
  t.assert.strictEqual(checkToken.mock.callCount(), 6)
})
