import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { type Format, writeRows } from '../../bench/upload.ts'
import { openApp } from '../support/app.ts'
import { temporaryFolder } from '../support/service.ts'

const rows = 45
const types: Partial<Record<Format, string>> = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  exported: 'text/csv',
}

test('the rows of the benchmark are valid and exported as they were', async (t: TestContext) => {
  const { signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const path = join(await temporaryFolder(t), 'rows')
  for (const [format, type] of Object.entries(types)) {
    await writeRows(path, format as Format, rows, ada.id)
    const imported = await ada.post('/items/import?dry_run=true', await readFile(path), { 'content-type': type })
    t.assert.strictEqual(imported.json().created, rows, imported.body)
  }
  await ada.post('/items/import', await readFile(path), { 'content-type': 'text/csv' })
  t.assert.strictEqual((await ada.get('/items/export?format=csv')).body, await readFile(path, 'utf8'))
})
