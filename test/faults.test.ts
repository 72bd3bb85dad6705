import { test, type TestContext } from 'node:test'

import { type Fault, openTally } from './faults/fault.ts'
import { describeRun, type Row } from './faults/report.ts'

test('the report of a run with skipped faults names them and their reasons', (t: TestContext) => {
  const fault: Fault = { name: 'redis-kill', title: 'Redis: kill -9', times: 1, run: async () => {} }
  const row: Row = { fault, times: 1, tally: openTally(), broken: [], seconds: 60, note: '' }
  const skipped: Fault = { ...fault, name: 'disk-full', missing: 'only root can mount a file system' }
  const incomplete = describeRun([row], [skipped], ['2 processors']).join('\n')
  t.assert.match(incomplete, /1 of 2 faults were skipped\.\n\n- `disk-full`: only root can mount a file system\n/)
  t.assert.doesNotMatch(describeRun([row], [], ['2 processors']).join('\n'), /Incomplete|skipped/)
})
