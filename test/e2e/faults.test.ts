import { test, type TestContext } from 'node:test'

import { tablesFull } from '../faults/disk-full.ts'
import { failedOver } from '../faults/failover.ts'
import { broken, type Fault } from '../faults/fault.ts'
import { followed } from '../faults/follower.ts'
import { serverKilled } from '../faults/kills.ts'
import { runFault } from '../faults/scene.ts'
import { withoutMounts } from '../faults/small-disk.ts'

// Short forms of what `npm run faults` does; those of its other faults are in the tests of what they are about.

test('kill -9 of processes under load loses no acknowledged write', (t: TestContext) => expectHeld(t, serverKilled, 2))

test('a PostgreSQL failover loses nothing and never asks a standby', (t: TestContext) => expectHeld(t, failedOver, 1))

test('a follower misses nothing and gets nothing out of order', (t: TestContext) => expectHeld(t, followed, 2))

test('a full disk causes 503, loses nothing, and recovers', { skip: withoutMounts }, (t: TestContext) =>
  expectHeld(t, tablesFull, 1),
)

async function expectHeld(t: TestContext, fault: Fault, times: number): Promise<void> {
  const { tally, note } = await runFault(fault, times, { step: () => {} })
  t.diagnostic(`${tally.requests} requests, ${tally.unavailable} of them 503. ${note}`)
  // How soon it is right again is measured by `npm run faults`, on a machine that does nothing else.
  t.assert.deepStrictEqual(broken({ ...tally, recovery: undefined }), [])
}
