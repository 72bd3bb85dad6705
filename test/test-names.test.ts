import { glob, readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { testNamesIn } from './support/test-names.ts'

test('test names are unique and have at most 72 characters', async (t: TestContext) => {
  let count = 0
  for await (const file of glob('test/**/*.test.ts')) {
    const names = testNamesIn(await readFile(file, 'utf8'))
    for (const name of names) t.assert.ok(name.length <= 72, `${file}: ${name}`)
    t.assert.deepStrictEqual(names, [...new Set(names)], file)
    count += names.length
  }
  t.assert.ok(count > 500)
})

test('names of tests are read from calls, with dots for expressions', (t: TestContext) => {
  const text = `
    test('plain', f)
    for (const a of b) {
      test(\`the price \${a} of \${b}\`, { skip }, f)
      test(${JSON.stringify("the server's")}, f)
    }
    retest('no test', f)`
  t.assert.deepStrictEqual(testNamesIn(text), ['plain', 'the price … of …', "the server's"])
})
