import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

test('SECURITY.md cites tests that exist', async (t: TestContext) => {
  const security = await readFile(new URL('../../SECURITY.md', import.meta.url), 'utf8')
  const text = security.replaceAll(/\s+/g, ' ')
  const citations = [...text.matchAll(/((?:"[^"]+"(?:, | and )?)+) \(`([\w/-]+\.test\.ts)`\)/g)]
  t.assert.ok(citations.length > 40)
  // A citation that is not of this form would go unchecked.
  t.assert.strictEqual(citations.length, text.match(/\.test\.ts/g)?.length)
  for (const [, names = '', file = ''] of citations) {
    const tests = await readFile(new URL(`../${file}`, import.meta.url), 'utf8')
    for (const [, name = ''] of names.matchAll(/"([^"]+)"/g)) {
      // An ellipsis stands for what differs between the cases of a test.
      for (const part of name.split('…')) t.assert.ok(tests.includes(part.trim()), `${file}: ${name}`)
    }
  }
})
