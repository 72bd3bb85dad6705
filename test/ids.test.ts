import { test, type TestContext } from 'node:test'

import { creationTime, risingIds } from '../src/items/ids.ts'

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('IDs rise within a millisecond and when the clock goes back', (t: TestContext) => {
  const now = Date.parse('2026-11-25T12:00:00Z')
  t.mock.timers.enable({ apis: ['Date'], now })
  const nextId = risingIds()
  let last = ''
  for (let made = 0; made < 10_000; made++) {
    if (made === 9_000) t.mock.timers.setTime(now - 60_000)
    const id = nextId()
    t.assert.ok(uuidv7.test(id) && id > last, `${id} after ${last}`)
    last = id
  }
})

test('only UUIDs of version 7 have a time', (t: TestContext) => {
  t.assert.strictEqual(creationTime('019a6f2b-7c1e-7b3a-9d5e-711118aaaaaa'), '2025-11-10T19:08:32.158Z')
  for (const id of ['019a6f2b-7c1e-4b3a-9d5e-711118aaaaaa', '019a6f2b-7c1e-7b3a-0d5e-711118aaaaaa'])
    t.assert.strictEqual(creationTime(id), null)
})
