import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { cellsOf, needOf, readResults } from '../../bench/capacity.ts'

test('capacity.md has what the figures of the benchmark give', async (t: TestContext) => {
  const results = await readResults()
  const text = await readFile('docs/operations/capacity.md', 'utf8')
  const rows = [...text.matchAll(/^\| [^|]+\| +([\d,]+) \| +([\d,]+) \| +([\d.]+) \|(.*)\|$/gm)]
  t.assert.strictEqual(rows.length, 3)
  for (const [row, reads = '', writes = '', logins = '', cells = ''] of rows) {
    const number = (given: string) => Number(given.replaceAll(',', ''))
    const need = needOf({ reads: number(reads), writes: number(writes), logins: number(logins) }, results)
    t.assert.deepStrictEqual(
      cells.split('|').map((cell) => cell.trim()),
      cellsOf(need),
      row,
    )
  }
})
