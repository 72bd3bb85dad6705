import { test, type TestContext } from 'node:test'

import { countDays, dayOf, firstDay, limitsOf } from '../../../console/src/overview/days.ts'

test('changes are counted by the days of the time zone', (t: TestContext) => {
  const now = new Date(2026, 2, 30, 12)
  const at = (...parts: [number, number, number, number]) => ({ at: new Date(...parts).toISOString() })
  const sets = [at(2026, 2, 30, 0), at(2026, 2, 30, 11), at(2026, 2, 1, 0), at(2026, 1, 28, 23)]
  const days = countDays(sets, now)
  t.assert.strictEqual(days.length, 30)
  t.assert.deepStrictEqual(days[0], { day: '2026-03-01', changes: 1 })
  t.assert.deepStrictEqual(days.at(-1), { day: '2026-03-30', changes: 2 })
  t.assert.deepStrictEqual(new Set(days.map(({ day }) => day)).size, 30)
  t.assert.strictEqual(dayOf(firstDay(now)), '2026-03-01')
})

test('a day has its limits, and other texts have none', (t: TestContext) => {
  t.assert.deepStrictEqual(limitsOf('2026-12-31'), {
    since: new Date(2026, 11, 31).toISOString(),
    until: new Date(2027, 0, 1).toISOString(),
  })
  for (const text of ['', 'today', '2026-02-30', '2026-13-01', '2026-1-1'])
    t.assert.strictEqual(limitsOf(text), undefined)
})
