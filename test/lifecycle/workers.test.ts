import { test, type TestContext } from 'node:test'

import { automaticProcesses } from '../../src/lifecycle/workers.ts'

const mebibyte = 2 ** 20

test('automatic processes are one per core, as far as memory allows', (t: TestContext) => {
  const cases = [
    { cores: 8, mebibytes: 16_384, processes: 8 },
    { cores: 8, mebibytes: 1_536, processes: 4 },
    { cores: 8, mebibytes: 1_535, processes: 3 },
    { cores: 4, mebibytes: 100, processes: 1 },
    { cores: 1, mebibytes: 16_384, processes: 1 },
    { cores: 256, mebibytes: 2 ** 20, processes: 64 },
  ]
  for (const { cores, mebibytes, processes } of cases) {
    t.assert.strictEqual(automaticProcesses({ cores, memory: mebibytes * mebibyte }), processes)
  }
})
