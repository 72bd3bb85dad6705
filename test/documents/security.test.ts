import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

test('SECURITY.md cites tests that exist', async (t: TestContext) => {
  const security = await readFile(new URL('../../SECURITY.md', import.meta.url), 'utf8')
  const named = [...security.matchAll(/((?:«[^»]+»(?:, | and )?)+) \(`([\w/-]+\.test\.ts)`\)/g)]
  t.assert.ok(named.length > 40)
  for (const [, sentences = '', file = ''] of named) {
    const tests = await readFile(new URL(`../${file}`, import.meta.url), 'utf8')
    for (const [, sentence = ''] of sentences.matchAll(/«([^»]+)»/g)) {
      // The dots stand for what differs between tests of one kind.
      for (const part of sentence.split('…')) t.assert.ok(tests.includes(part.trim()), `${file}: ${sentence}`)
    }
  }
})
