import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { openLogOutput } from '../../src/observability/log-output.ts'
import { closeAfter } from '../support/cleanup.ts'
import { temporaryFolder } from '../support/service.ts'

test('each line is written or counted as dropped', async (t: TestContext) => {
  const file = join(await temporaryFolder(t), 'log')
  const fd = openSync(file, 'w')
  closeAfter(t, () => closeSync(fd))
  const lines = Array.from({ length: 100 }, (_, index) => `line ${String(index).padStart(3)}`)
  // The first is being written while ten wait.
  const output = openLogOutput(fd, (dropped) => output.write(`${dropped} dropped\n`), 90)
  for (const line of lines) output.write(`${line}\n`)
  await new Promise<void>((done) => output.flush(done))
  t.assert.deepStrictEqual(readFileSync(file, 'utf8').split('\n'), [...lines.slice(0, 11), '89 dropped', ''])
})
