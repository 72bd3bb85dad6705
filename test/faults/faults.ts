import { attackFaults } from './attacks.ts'
import { logBlocked } from './blocked-log.ts'
import { clusterFaults } from './cluster.ts'
import { logFull, tablesFull } from './disk-full.ts'
import { replaced, terminated } from './ends.ts'
import { failedOver } from './failover.ts'
import type { Fault } from './fault.ts'
import { followed } from './follower.ts'
import { retried } from './idempotency.ts'
import { serverKilled } from './kills.ts'
import { timed } from './logins.ts'
import { lostUpdates } from './lost-updates.ts'
import { poolerFaults } from './poolers.ts'
import { postgresFaults } from './postgres.ts'
import { redisFaults } from './redis.ts'
import { sentinelFailover } from './sentinels.ts'
import { slowClients } from './slow-clients.ts'
import { overTls } from './tls.ts'

/** In the order of `npm run faults`. */
export const faults: Fault[] = [
  ...redisFaults,
  ...postgresFaults,
  failedOver,
  tablesFull,
  logFull,
  serverKilled,
  followed,
  retried,
  lostUpdates,
  terminated,
  replaced,
  slowClients,
  logBlocked,
  ...attackFaults,
  timed,
  sentinelFailover,
  overTls,
  ...poolerFaults,
  ...clusterFaults,
]
