import type { Bench, Case, CaseReport } from '../bench.ts'
import { peakMiB, residentMiB, resetPeak } from '../processes.ts'
import { atMost, count, short } from '../report.ts'
import { onServer } from '../stores.ts'
import { upload, writeRows } from '../upload.ts'

const manager = '01900000-0000-7000-8000-000000000000'
/** A selection that many shops have. */
const some = 16_666

/** Bulk changes and undos, each in one transaction, compared with the import of the same items. */
export const largeChangesCase: Case = {
  name: 'large-changes',
  title: 'Bulk changes and undos of all items',
  seconds: ({ rows }) => 5 + rows / 8_000,
  run: measure,
}

async function measure(bench: Bench): Promise<CaseReport> {
  const { rows } = bench.plan
  const data = await bench.datasets.apart('items_of_large_changes', 1_000)
  const { url, port, pid } = await bench.servers.start('stockroom', data)
  const send = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${data.token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${path} got ${response.status}`)
    return response.json()
  }
  const last = async () => ((await send('/changes?limit=1')) as { id: string }[])[0]?.id
  const raise = (matched: number, filters: object) =>
    send('/items/bulk', { select: { filters }, change: { price: { percent: 10 } }, expect: { matched } })
  const steps: Record<string, [ms: number, MiB: number]> = {}
  const step = async (name: string, work: () => Promise<unknown>) => {
    bench.progress.step(name)
    const before = residentMiB(pid)
    resetPeak(pid)
    const start = performance.now()
    const result = await work()
    steps[name] = [typeof result === 'number' ? result : performance.now() - start, peakMiB(pid) - before]
  }

  const file = `${bench.folder}/large-changes`
  await onServer(bench.stores.postgres, data.schema, (client) => client.query('truncate items'))
  await writeRows(file, 'csv', some, manager)
  await step(`import of ${count(some)}`, () => upload(port, file, { format: 'csv', rows: some, token: data.token }))
  await step(`prices of ${count(some)}`, () => raise(some, {}))
  await onServer(bench.stores.postgres, data.schema, (client) => client.query('truncate items'))
  await writeRows(file, 'csv', rows, manager)
  const importAll = () => upload(port, file, { format: 'csv', rows, token: data.token })
  await step('import', importAll)
  await step('undo of the import', async () => send(`/changes/${await last()}/undo`, {}))
  await importAll()
  await step('prices of all', () => raise(rows, {}))
  await step('undo of the prices', async () => send(`/changes/${await last()}/undo`, {}))
  const [took = Number.NaN] = steps['import'] ?? []
  const ratio = (name: string) => (steps[name]?.[0] ?? Number.NaN) / took
  const growth = (name: string) => steps[name]?.[1] ?? Number.NaN
  const inDatabase = ['undo of the import', 'prices of all', 'undo of the prices']
  return {
    tables: [
      {
        header: [`${count(rows)} items`, 'ms', '× import', 'peak memory, MiB more'],
        rows: Object.entries(steps).map(([name, [ms, memory]]) => [name, short(ms), short(ratio(name)), short(memory)]),
      },
    ],
    bars: [
      atMost(
        1_500,
        steps[`prices of ${count(some)}`]?.[0] ?? Number.NaN,
        `prices of ${count(some)} items ≤ 1,500 ms`,
        'ms',
      ),
      atMost(1, ratio('prices of all'), 'prices of all items ≤ 1 × import', '×'),
      atMost(2, ratio('undo of the import'), 'undo of the import ≤ 2 × import', '×'),
      atMost(128, growth('import'), 'import: resident memory grows ≤ 128 MiB', 'MiB'),
      atMost(64, Math.max(...inDatabase.map(growth)), 'bulk change and undo: resident memory grows ≤ 64 MiB', 'MiB'),
    ],
    notes: [],
  }
}
