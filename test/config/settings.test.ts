import { readFileSync } from 'node:fs'
import { test, type TestContext } from 'node:test'

import { ConfigError, readConfig } from '../../src/config/config.ts'
import { describeSettings } from '../../src/config/settings.ts'
import { withoutWrongValue, wrongAtStart, wrongSettings } from '../support/wrong-settings.ts'

const inHelp = describeSettings()
  .split('\n')
  .map((line) => /^ {2}([A-Z_]+) +\S.*?(?: \[(.*)\])?$/.exec(line)?.slice(1) ?? [line])

test('every setting is in the help, in configuration.md, and tested wrong', (t: TestContext) => {
  const document = readFileSync('docs/reference/configuration.md', 'utf8')
  const rows = [...document.matchAll(/^\| `([A-Z_]+)` +\| (?:`(.*?)`)? *\|/gm)].map((row) => row.slice(1))
  t.assert.deepStrictEqual(rows.toSorted(), inHelp.toSorted())
  const names = [...Object.keys(wrongSettings), ...Object.keys(wrongAtStart), ...withoutWrongValue]
  t.assert.deepStrictEqual(names.toSorted(), inHelp.map(([name]) => name).toSorted())

  for (const [name, [value, said, others]] of Object.entries(wrongSettings)) {
    t.assert.throws(
      () => readConfig({ ...others, [name]: value }),
      (error) => {
        t.assert.ok(error instanceof ConfigError)
        const lines = error.message.split('\n').map((line) => line.trim())
        t.assert.ok(
          lines.some((line) => new RegExp(`\\b${name}\\b`).test(line) && said.test(line)),
          error.message,
        )
        t.assert.ok(!error.message.includes('banana'), error.message)
        return true
      },
      name,
    )
  }
})
