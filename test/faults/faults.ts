import { attackFaults } from './attacks.ts'
import { logBlocked } from './blocked-log.ts'
import { logFull, tablesFull } from './disk-full.ts'
import { replaced, terminated } from './ends.ts'
import { failedOver } from './failover.ts'
import type { Fault } from './fault.ts'
import { retried } from './idempotency.ts'
import { serverKilled } from './kills.ts'
import { timed } from './logins.ts'
import { lostUpdates } from './lost-updates.ts'
import { postgresFaults } from './postgres.ts'
import { redisFaults } from './redis.ts'
import { dribbling } from './slow-clients.ts'

/** All that `npm run faults` does, in its order. */
export const faults: Fault[] = [
  ...redisFaults,
  ...postgresFaults,
  failedOver,
  tablesFull,
  logFull,
  serverKilled,
  retried,
  lostUpdates,
  terminated,
  replaced,
  dribbling,
  logBlocked,
  ...attackFaults,
  timed,
]
