import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

// Writes dashboard.json, which Grafana imports: npm run deploy:dashboard. A test compares it, and asks Prometheus each query.

interface Panel {
  title: string
  unit: string
  queries: [legend: string, expr: string][]
}

const sum = (by: string, metric: string) => `sum by (${by}) (rate(${metric}[$__rate_interval]))`
const quantile = (q: number, metric: string, by = '') =>
  `histogram_quantile(${q}, sum by (le${by}) (rate(${metric}_bucket[$__rate_interval])))`
const duration = 'http_server_request_duration_seconds'

const rows: [title: string, panels: Panel[]][] = [
  [
    'Requests',
    [
      {
        title: 'Requests by status',
        unit: 'reqps',
        queries: [['{{status}}', sum('status', 'http_server_requests_total')]],
      },
      {
        title: 'Requests by route',
        unit: 'reqps',
        queries: [['{{method}} {{route}}', sum('method, route', 'http_server_requests_total')]],
      },
      {
        title: 'p99 by route',
        unit: 's',
        queries: [['{{method}} {{route}}', quantile(0.99, duration, ', method, route')]],
      },
      {
        title: 'Duration',
        unit: 's',
        queries: [
          ['p50', quantile(0.5, duration)],
          ['p99', quantile(0.99, duration)],
        ],
      },
      {
        title: 'Errors by code',
        unit: 'reqps',
        queries: [['{{code}}', `${sum('code', 'stockroom_problems_total')} > 0`]],
      },
      {
        title: 'Bytes of lists and exports',
        unit: 'Bps',
        queries: [['{{stream}}', sum('stream', 'stockroom_stream_bytes_total')]],
      },
      {
        title: 'Active requests and connections',
        unit: 'short',
        queries: [
          ['requests', 'sum(http_server_active_requests)'],
          ['connections', 'sum(stockroom_connections)'],
        ],
      },
    ],
  ],
  [
    'Stores',
    [
      {
        title: 'PostgreSQL connections',
        unit: 'short',
        queries: [['{{state}}', 'sum by (state) (stockroom_postgres_connections)']],
      },
      {
        title: 'Statements',
        unit: 's',
        queries: [['{{outcome}} p99', quantile(0.99, 'stockroom_statement_duration_seconds', ', outcome')]],
      },
      {
        title: 'Wait for a connection, p99',
        unit: 's',
        queries: [['wait', quantile(0.99, 'stockroom_postgres_wait_seconds')]],
      },
      {
        title: 'Requests per statement',
        unit: 'short',
        queries: [
          ['{{batch}}', `${sum('batch', 'stockroom_batch_size_sum')} / ${sum('batch', 'stockroom_batch_size_count')}`],
        ],
      },
      {
        title: 'Redis',
        unit: 'short',
        queries: [
          ['up', 'min(stockroom_redis_up)'],
          ['fallbacks of {{use}}: {{reason}}', sum('use, reason', 'stockroom_redis_fallbacks_total')],
        ],
      },
      {
        title: 'Ready',
        unit: 'short',
        queries: [
          ['replicas', 'sum(stockroom_ready)'],
          ['with stores', 'sum(stockroom_stores_ready)'],
        ],
      },
    ],
  ],
  [
    'Limits and accounts',
    [
      {
        title: 'Semaphores in use',
        unit: 'short',
        queries: [['{{semaphore}}', 'sum by (semaphore) (stockroom_semaphore_in_use)']],
      },
      {
        title: 'Waiting for a semaphore',
        unit: 'short',
        queries: [['{{semaphore}}', 'sum by (semaphore) (stockroom_semaphore_waiting)']],
      },
      {
        title: 'Refused by a semaphore',
        unit: 'reqps',
        queries: [['{{semaphore}}', sum('semaphore', 'stockroom_semaphore_refused_total')]],
      },
      {
        title: 'Security events',
        unit: 'short',
        queries: [['{{event}}', sum('event', 'stockroom_security_events_total')]],
      },
    ],
  ],
  [
    'Processes',
    [
      {
        title: 'CPU',
        unit: 'percentunit',
        queries: [['{{instance}} {{worker}}', 'rate(process_cpu_seconds_total[$__rate_interval])']],
      },
      {
        title: 'Event loop utilization',
        unit: 'percentunit',
        queries: [['{{instance}} {{worker}}', 'rate(nodejs_eventloop_active_seconds_total[$__rate_interval])']],
      },
      {
        title: 'Event loop delay',
        unit: 's',
        queries: [['{{instance}} {{worker}} p{{percentile}}', 'nodejs_eventloop_delay_seconds']],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [
          ['{{instance}} {{worker}}', 'process_resident_memory_bytes'],
          ['heap', 'nodejs_heap_size_used_bytes'],
        ],
      },
      {
        title: 'Garbage collection',
        unit: 'percentunit',
        queries: [['{{instance}} {{kind}}', sum('instance, kind', 'nodejs_gc_seconds_total')]],
      },
      {
        title: 'Versions',
        unit: 'short',
        queries: [['{{version}} (Node {{node}})', 'sum by (version, node) (stockroom_build_info)']],
      },
    ],
  ],
]

const datasource = { type: 'prometheus', uid: '${datasource}' }
const height = 8
const width = 8
const columns = 3

export function dashboard() {
  let y = 0
  let id = 0
  const panels = rows.flatMap(([title, ofRow]) => {
    const header = { id: ++id, type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: 24, h: 1 } }
    const top = y + 1
    y = top + Math.ceil(ofRow.length / columns) * height
    const placed = ofRow.map((panel, index) => ({
      id: ++id,
      type: 'timeseries',
      title: panel.title,
      datasource,
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      gridPos: { x: (index % columns) * width, y: top + Math.floor(index / columns) * height, w: width, h: height },
      targets: panel.queries.map(([legendFormat, expr], at) => ({
        refId: String.fromCodePoint(65 + at),
        datasource,
        expr,
        legendFormat,
      })),
    }))
    return [header, ...placed]
  })
  return {
    uid: 'stockroom',
    title: 'Stockroom',
    tags: ['stockroom'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }] },
    panels,
  }
}

export function queries(): string[] {
  return rows.flatMap(([, panels]) => panels.flatMap((panel) => panel.queries.map(([, expr]) => expr)))
}

if (import.meta.main) {
  await writeFile(join(import.meta.dirname, 'dashboard.json'), `${JSON.stringify(dashboard(), null, 2)}\n`)
}
