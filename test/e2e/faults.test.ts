import { test, type TestContext } from 'node:test'

import { tablesFull } from '../faults/disk-full.ts'
import { failedOver } from '../faults/failover.ts'
import { broken, type Fault } from '../faults/fault.ts'
import { serverKilled } from '../faults/kills.ts'
import { runFault } from '../faults/scene.ts'
import { withoutMounts } from '../faults/small-disk.ts'

// Short forms of what `npm run faults` does; those of its other faults are in the tests of what they are about.

test('kill -9 of two processes in turn under write load loses nothing that was answered', (t: TestContext) =>
  expectHeld(t, serverKilled, 2))

test('when PostgreSQL fails over nothing is asked of a standby, nothing is lost, and the new primary is found', (t: TestContext) =>
  expectHeld(t, failedOver, 1))

test(
  'a full disk is answered 503, nothing is lost, and all is right when there is space again',
  { skip: withoutMounts },
  (t: TestContext) => expectHeld(t, tablesFull, 1),
)

async function expectHeld(t: TestContext, fault: Fault, times: number): Promise<void> {
  const { tally, note } = await runFault(fault, times, { step: () => {} })
  t.diagnostic(`${tally.requests} requests, ${tally.unavailable} of them 503. ${note}`)
  // How soon it is right again is measured by `npm run faults`, on a machine that does nothing else.
  t.assert.deepStrictEqual(broken({ ...tally, recovery: undefined }), [])
}
