import { test, type TestContext } from 'node:test'

import { spreadsheetOf } from '../../../../console/src/items/spreadsheet.ts'
import { openApp } from '../../../support/app.ts'

test('selected items are the file that the service exports', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const names = ['Tea, "green"', '=1+1', 'a;-b', '@x', '\u00a0＝y', ' +z', 'plain - text', 'Käse']
  for (const name of names) await ada.post('/items', { name, category: 'Pet', price_usd: 0.0000001, in_stock: false })
  const items = Object.values(
    (await ada.get('/items?sort=id')).json<Record<string, Parameters<typeof spreadsheetOf>[0][0]>>(),
  )
  const file = await ada.get('/items/export?format=csv&safe=spreadsheet&sort=id')
  t.assert.strictEqual(items.length, names.length)
  t.assert.strictEqual(spreadsheetOf(items), file.body)
})
