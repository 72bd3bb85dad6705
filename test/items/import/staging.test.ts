import { test, type TestContext } from 'node:test'

import { openReportBuilder } from '../../../src/items/import/report.ts'
import { rowCheck } from '../../../src/items/import/rows.ts'
import { openSpool } from '../../../src/items/import/spool.ts'
import { stage } from '../../../src/items/import/staging.ts'

const fields = { name: 'a', category: 'Pet', price_usd: 1, in_stock: true }

test('other requests get turns while the rows of an import are checked', async (t: TestContext) => {
  for (const isBusy of [true, false]) {
    await using spool = openSpool((error) => t.assert.ifError(error))
    let turns = 0
    let isEnded = false
    const other = () => {
      turns++
      if (!isEnded) setImmediate(other)
    }
    const check = rowCheck('create')
    const checkSlowly: typeof check = (row) => {
      const since = performance.now()
      while (performance.now() - since < 10);
      return check(row)
    }
    const rows = async function* () {
      for (let line = 1; line <= 10; line++) yield [{ line, fields }]
    }
    setImmediate(other)
    const builder = openReportBuilder({ mode: 'create', dry_run: false })
    const staged = await stage({
      rows: rows(),
      spool,
      check: checkSlowly,
      builder,
      stopOnError: true,
      isBusy: () => isBusy,
    })
    isEnded = true
    t.assert.strictEqual(staged.rows, 10)
    t.assert.ok(turns >= 10, `${turns} turns, busy: ${isBusy}`)
  }
})
