import { setTimeout as sleep } from 'node:timers/promises'

import { onServer } from '../support/app.ts'
import { openAuthority, withoutOpenssl } from '../support/certificates.ts'
import { openSecuredRedis, password as redisPassword } from '../support/secured-redis.ts'
import { openTlsPostgres, password } from '../support/tls-postgres.ts'
import type { Fault } from './fault.ts'
import { openLoad } from './load.ts'
import { openReplicas, settingsFor } from './service.ts'
import { storedItems } from './stage.ts'
import { startOnWrongCertificates } from './wrong-certificates.ts'

/** Milliseconds. */
const between = 2_500

const modes = ['require', 'verify-ca', 'verify-full']

/** A process for each mode, and an ACL user of Redis with no more rights than necessary. */
export const overTls: Fault = {
  name: 'tls',
  title: 'TLS to both stores: wrong certificates, all connections to PostgreSQL ended, then Redis killed',
  times: 3,
  missing: withoutOpenssl,
  async run(site, times) {
    const authority = await openAuthority(site)
    const { server, administration } = await openTlsPostgres(site, authority)
    const redis = await openSecuredRedis(site, authority)
    const settings = {
      ...settingsFor(server),
      POSTGRES_PASSWORD: password,
      POSTGRES_SSLROOTCERT: authority.cert,
      REDIS_URL: `rediss://shop:${encodeURIComponent(redisPassword)}@localhost:${redis.port}`,
      REDIS_TLS_CA_FILE: authority.cert,
    }
    const inMode = (mode: string) => ({ ...settings, POSTGRES_SSLMODE: mode })
    const replicas = await openReplicas(site, modes.map(inMode))
    const shop = { ...administration, database: server.database }
    const load = await openLoad(replicas, { tally: site.tally, stored: () => storedItems(shop) })
    const refused = await startOnWrongCertificates(site, authority, settings)
    await load.during(async ({ gone, back }) => {
      for (let time = 1; time <= times; time++) {
        site.step(`${time} of ${times}`)
        gone()
        await onServer(shop, 'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [server.user])
        back()
        await sleep(between)
      }
      await redis.kill()
    })
    const plain = 'select from pg_stat_ssl join pg_stat_activity using (pid) where usename = $1 and not ssl'
    const { rowCount } = await onServer(shop, plain, [server.user])
    if (rowCount !== 0) site.tally.wrong.push(`${rowCount} connections without TLS`)
    return `${refused} starts with wrong certificates ended with one line`
  },
}
