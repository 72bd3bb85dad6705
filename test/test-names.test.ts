import { glob, readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { possibleTestNamesIn, testNamesIn } from './support/test-names.ts'

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
  const table = "for (const what of ['red', 7]) test(`a ${what} price`, f)"
  const possible = possibleTestNamesIn(table)
  for (const name of ['a … price', 'a red price', 'a 7 price']) t.assert.ok(possible.includes(name), name)
  t.assert.ok(!possible.includes('a blue price'))
})
