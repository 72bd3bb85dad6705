import { test, type TestContext } from 'node:test'

import { withoutRedis } from '../support/app.ts'
import { run } from '../support/service.ts'

test('the benchmark measures the last page of each sort', { skip: withoutRedis }, async (t: TestContext) => {
  const files = ['--import', './scripts/require-node.mjs', 'bench/run.ts']
  const { ended, output } = run(t, process.execPath, [...files, '--quick', '--only', 'page'], {})
  t.assert.strictEqual(await ended, 0, output())
  t.assert.match(output(), /sort=-updated_at: last page/)
})
