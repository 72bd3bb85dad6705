import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { parse } from 'yaml'

import { metricsUrl } from '../../test/support/metrics.ts'
import { openPrometheus, promtool } from '../../test/support/prometheus.ts'
import { realStores, signInAt, startService } from '../../test/support/service.ts'
import { dashboard } from '../monitoring/dashboard.ts'
import { findUnanswered, keepWorking } from './watch.ts'

const folder = join(import.meta.dirname, '../monitoring')
const alerts = join(folder, 'alerts.yaml')

interface Rules {
  groups: { rules: { alert: string; expr: string; labels: { severity: string } }[] }[]
}

test('alerts fire when they should, and not otherwise', (t: TestContext) => {
  for (const args of [
    ['check', 'rules', alerts],
    ['test', 'rules', join(folder, 'alerts.test.yaml')],
  ]) {
    const { output, code } = promtool(args)
    t.assert.strictEqual(code, 0, output)
  }
})

test('each alert has a line in the runbook, and each line an alert', async (t: TestContext) => {
  const { groups } = parse(await readFile(alerts, 'utf8')) as Rules
  const named = groups.flatMap(({ rules }) => rules.map(({ alert, labels }) => `${alert} ${labels.severity}`))
  const runbook = await readFile(join(folder, '../../docs/operations/runbook.md'), 'utf8')
  const rows = [...runbook.matchAll(/^\| `(\w+)` +\| (page|ticket) +\|/gm)].map(([, alert, how]) => `${alert} ${how}`)
  t.assert.deepStrictEqual(rows.toSorted(), named.toSorted())
})

test('dashboard.json and the rules of Kubernetes are those of the sources', async (t: TestContext) => {
  const text = await readFile(join(folder, 'dashboard.json'), 'utf8')
  t.assert.deepStrictEqual(JSON.parse(text), dashboard())
  const rule = parse(await readFile(join(folder, '../kubernetes/monitoring/prometheus-rule.yaml'), 'utf8')) as {
    spec: Rules
  }
  t.assert.deepStrictEqual(rule.spec, parse(await readFile(alerts, 'utf8')))
})

test('Prometheus has a result for each query of the dashboard', async (t: TestContext) => {
  const stores = { ...(await realStores(t)), REDIS_HOST: process.env['REDIS_HOST'] ?? '' }
  const redis = process.env['REDIS_PORT'] ?? ''
  const { url, output } = await startService(t, { ...stores, REDIS_PORT: redis, METRICS_PORT: '0' })
  const { query } = await openPrometheus(t, [new URL(metricsUrl(output())).host], [alerts])
  const headers = await signInAt(url, 'ada@example.com')
  const over = new AbortController()
  const load = keepWorking(url, headers, over.signal)
  t.assert.deepStrictEqual(await findUnanswered(query), [])
  over.abort()
  t.assert.deepStrictEqual(await load, [])
  t.assert.deepStrictEqual(await query('ALERTS{alertstate="firing"}'), [])
})
