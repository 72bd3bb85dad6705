import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { describeSettings } from '../../src/config/settings.ts'
import { openClone } from '../support/clone.ts'
import { pasteBlocks } from '../support/documents.ts'
import { withoutProgram } from '../support/programs.ts'
import { startService, temporaryFolder } from '../support/service.ts'

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')

test('the commands of the README print what it shows', { skip: withoutProgram('curl') }, async (t: TestContext) => {
  const clone = await openClone(t)
  const { url } = await startService(t, { DATA_DIR: await temporaryFolder(t) })
  const sections = /^## A tour$.*(?=^## A typed client$)/ms.exec(readme)?.[0] ?? ''
  const { printed, shown } = pasteBlocks(sections, url, clone.folder, 'exec 2>&1')
  t.assert.ok(shown.length >= 30)
  t.assert.deepStrictEqual(printed, shown)
  t.assert.deepStrictEqual(await clone.added(), [])
})

test('every test that SECURITY.md names exists', async (t: TestContext) => {
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
