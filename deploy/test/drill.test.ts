import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

import { onServer, secret } from '../../test/support/app.ts'
import { openPrometheus } from '../../test/support/prometheus.ts'
import { servingAt, signInAt } from '../../test/support/service.ts'
import { freePort, openProxy } from '../../test/support/stores.ts'
import { until } from '../../test/support/until.ts'
import { dump, openCluster, restoreDump } from './cluster.ts'
import { buildImage, pidOf, runContainer } from './container.ts'
import { proxies, startProxy } from './proxies.ts'
import { findUnanswered, keepWorking } from './watch.ts'

const root = join(import.meta.dirname, '../..')
const report = join(root, 'docs/operations/drill.md')
const email = 'ada@example.com'
/** Milliseconds. An alert waits for two minutes. */
const longestAlert = 300_000

type Replica = Awaited<ReturnType<Awaited<ReturnType<typeof openImage>>['start']>>

/** The image on a PostgreSQL of its own. */
async function openImage(t: TestContext) {
  const { server, bash } = await openCluster(t)
  const socket = await openProxy(`${server.host}/.s.PGSQL.${server.port}`)
  t.after(() => socket.close())
  const ports: [number, number] = [await freePort(), await freePort()]
  const metrics: [number, number] = [await freePort(), await freePort()]
  const database = { POSTGRES_HOST: '127.0.0.1', POSTGRES_PORT: String(socket.port), AUTO_MIGRATE: 'false' }
  const redis = { REDIS_HOST: process.env['REDIS_HOST'] ?? '', REDIS_PORT: process.env['REDIS_PORT'] ?? '' }
  const settings = { ...database, ...redis, JWT_SECRET: secret, TRUST_PROXY: '127.0.0.1', DRAIN_DELAY: '2' }
  let started = 0
  return {
    server,
    bash,
    ports,
    metrics,
    async command(args: string[], name = server.database) {
      const { ended, output } = runContainer(t, `stockroom-drill-${started++}`, args, {
        ...database,
        POSTGRES_DB: name,
      })
      t.assert.strictEqual(await ended, 0, output())
    },
    async start(index: 0 | 1, name = server.database) {
      const container = `stockroom-drill-${started++}`
      const place = { PORT: String(ports[index]), METRICS_PORT: String(metrics[index]), POSTGRES_DB: name }
      const { ended, output } = runContainer(t, container, [], { ...settings, ...place })
      await servingAt(output, ended)
      return {
        end(signal: NodeJS.Signals) {
          process.kill(pidOf(container), signal)
          return ended
        },
      }
    },
  }
}

test('a new operator starts, watches, repairs, and restores a site', async (t: TestContext) => {
  const steps: [string, string][] = []
  const step = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    const begunAt = performance.now()
    const result = await act()
    steps.push([name, ((performance.now() - begunAt) / 60_000).toFixed(1)])
    t.diagnostic(`${steps.at(-1)?.join(': ')} min`)
    return result
  }
  await step('build the image, as far as it is not in the cache', buildImage)
  const image = await openImage(t)
  let replicas: [Replica, Replica] | undefined
  const { url, headers } = await step('start two replicas behind Caddy with TLS, and sign in', async () => {
    await image.command(['migrate', 'up'])
    replicas = [await image.start(0), await image.start(1)]
    const caddy = proxies.find(({ name }) => name === 'Caddy')
    if (caddy === undefined) throw new Error('there is no Caddy')
    const edge = await startProxy(t, caddy, image.ports)
    setDefaultCACertificates([...getCACertificates('default'), edge.ca.toString()])
    return { url: edge.url, headers: await signInAt(edge.url, email) }
  })
  if (replicas === undefined) throw new Error('there is no replica')
  const over = new AbortController()
  const failures: string[] = []
  const load = keepWorking(url, headers, over.signal, failures)
  const targets = image.metrics.map((port) => `127.0.0.1:${port}`)
  const { query } = await step('fill each panel of the dashboard under load', async () => {
    const prometheus = await openPrometheus(t, targets, [join(root, 'deploy/monitoring/alerts.yaml')])
    t.assert.deepStrictEqual(await findUnanswered(prometheus.query), [])
    return prometheus
  })
  const [first, second] = replicas
  const replaced = await step('replace a replica without a failed request', async () => {
    t.assert.strictEqual(await first.end('SIGTERM'), 0)
    const fresh = await image.start(0)
    await sleep(2_000)
    return fresh
  })
  t.assert.deepStrictEqual(failures, [])
  const isFiring = async () =>
    (await query('ALERTS{alertname="StockroomDown",alertstate="firing"}').catch(() => [])).length > 0
  await step('lose a replica: `StockroomDown` fires', async () => {
    await replaced.end('SIGKILL')
    await until(isFiring, longestAlert)
  })
  const repaired = await step('start another one: the alert is resolved', async () => {
    const fresh = await image.start(0)
    await until(async () => !(await isFiring()), longestAlert)
    return fresh
  })
  over.abort()
  await load
  const itemsOf = async (database: string) =>
    (await onServer({ ...image.server, database }, 'select count(*)::integer as items from items')).rows[0].items
  const before = await itemsOf('stockroom')
  await step('lose all items, restore a dump, end all sessions, and serve it', async () => {
    image.bash(dump)
    await onServer(image.server, 'delete from items')
    image.bash(restoreDump)
    await image.command(['sessions', 'end', '--all'], 'restored')
    for (const [index, old] of [repaired, second].entries()) {
      t.assert.strictEqual(await old.end('SIGTERM'), 0)
      await image.start(index as 0 | 1, 'restored')
    }
    await until(async () => (await fetch(`${url}/readyz`)).status === 200)
    t.assert.strictEqual((await fetch(`${url}/items?limit=1`, { headers })).status, 401)
    const fresh = await signInAt(url, email)
    t.assert.strictEqual((await fetch(`${url}/items?limit=1`, { headers: fresh })).status, 200)
  })
  t.assert.strictEqual(await itemsOf('restored'), before)
  await writeReport(steps)
})

async function writeReport(steps: [string, string][]): Promise<void> {
  const rows = steps.map(([name, minutes]) => `| ${name} | ${minutes} |`).join('\n')
  const text = `# The drill

What a new operator does on the first evening, done by \`npm run deploy:test -- --only drill\`, which writes this page:
with the image without privileges, \`deploy/Caddyfile\`, \`deploy/monitoring/alerts.yaml\`, the panels of the dashboard, and
the commands of [backup](backup.md). The machine had ${availableParallelism()} processors, and ran everything itself. \`StockroomDown\` waits for
two minutes before it wakes anyone.

| step | minutes |
| --- | ---: |
${rows}
`
  await writeFile(report, text)
  execFileSync(join(root, 'node_modules/.bin/oxfmt'), [report])
}
