import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { describeSettings } from '../../src/config/config.ts'
import { pasteBlocks } from '../support/documents.ts'
import { withoutProgram } from '../support/programs.ts'
import { signInAt, startService, temporaryFolder } from '../support/service.ts'

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')

test(
  'the tour of the README, pasted line by line, gives what it shows',
  { skip: withoutProgram('curl') },
  async (t: TestContext) => {
    const { url } = await startService(t, { DATA_DIR: await temporaryFolder(t) })
    const tour = /^## A tour$(.*?)^## /ms.exec(readme)?.[1] ?? ''
    const { printed, shown } = pasteBlocks(tour, url, await temporaryFolder(t))
    t.assert.ok(shown.length >= 8)
    t.assert.deepStrictEqual(printed, shown)
  },
)

test('the commands of the README, pasted line by line, give what they show', async (t: TestContext) => {
  const { url } = await startService(t, { DATA_DIR: await temporaryFolder(t) })
  await signInAt(url, 'ada@example.com')
  const section = /^## From the command line$(.*?)^## /ms.exec(readme)?.[1] ?? ''
  const { printed, shown } = pasteBlocks(section, url, await temporaryFolder(t), 'exec 2>&1')
  t.assert.ok(shown.length >= 2)
  t.assert.deepStrictEqual(printed, shown)
})

test('every test that SECURITY.md names is there', async (t: TestContext) => {
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

test('the settings in the README are those of --help', (t: TestContext) => {
  t.assert.ok(readme.includes(`\`\`\`text\n${describeSettings()}\n\`\`\``))
})
