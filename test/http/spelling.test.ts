import { test, type TestContext } from 'node:test'

import { nearest } from '../../src/http/spelling.ts'

test('only a word within the tolerance is suggested, in any case', (t: TestContext) => {
  const known = ['category', 'in_stock', 'q', 'Sort'] as const
  const cases: [text: string, tolerance: number, meant: string | undefined][] = [
    ['CATEGORY', 0, 'category'],
    ['sort', 0, 'Sort'],
    ['instok', 2, 'in_stock'],
    ['instok', 1, undefined],
    ['x', 0.5, undefined],
    ['y'.repeat(10_000), 3, undefined],
    ['', 0, undefined],
  ]
  for (const [text, tolerance, meant] of cases) {
    t.assert.strictEqual(
      nearest(text, known, () => tolerance),
      meant,
      text,
    )
  }
  t.assert.strictEqual(
    nearest('Pots', ['Pet', 'Apparel'], ({ length }) => length / 3),
    undefined,
  )
})
