import { test, type TestContext } from 'node:test'

import { pino } from 'pino'

import { purgeHourly } from '../../src/database/purging.ts'

const minute = 60_000

test('old rows are purged a minute after the start, then every hour', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const lines: string[] = []
  const log = pino({}, { write: (line) => lines.push(line) })
  let purges = 0
  const stop = purgeHourly('rows', () => Promise.reject(new Error(`${++purges}`)), log)
  const seen: number[] = []
  for (const minutes of [1, 58, 1, 60]) {
    t.mock.timers.tick(minutes * minute)
    seen.push(purges)
  }
  stop()
  t.mock.timers.tick(600 * minute)
  seen.push(purges)
  t.assert.deepStrictEqual(seen, [1, 1, 2, 3, 3])
  await Promise.resolve()
  t.assert.match(lines.join(''), /failed to purge rows/)
})
