import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

import { describeSettings } from '../src/config.ts'
import { signInAt, startService, temporaryFolder } from './support/service.ts'

const command = fileURLToPath(new URL('../bin/stockroom.js', import.meta.url))
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

test('the tour of the README, pasted line by line, gives what it shows', async (t: TestContext) => {
  const { url } = await startService(t, { DATA_DIR: await temporaryFolder(t) })
  const folder = await temporaryFolder(t)
  const tour = /^## A tour$(.*?)^## /ms.exec(readme)?.[1] ?? ''
  const blocks = [...tour.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }))
  const script = blocks.filter(({ language }) => language === 'sh').map(({ text }) => `${text}\necho`)
  const shown = blocks.filter(({ language }) => language === 'json').map(({ text }) => text)
  t.assert.ok(shown.length >= 8)
  const printed = execFileSync('bash', ['-eu'], {
    cwd: folder,
    encoding: 'utf8',
    input: script.join('\n').replaceAll('localhost:8000', url.replace('http://', '')),
  })
  t.assert.deepStrictEqual(lines(printed), lines(shown.join('\n')))
})

test('the commands of the README, pasted line by line, give what they show', async (t: TestContext) => {
  const { url } = await startService(t, { DATA_DIR: await temporaryFolder(t) })
  await signInAt(url, 'ada@example.com')
  const section = /^## From the command line$(.*?)^## /ms.exec(readme)?.[1] ?? ''
  const blocks = (kind: string) => [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, each]) => each === kind)
  const pasted = blocks('sh').map(([, , text]) => text)
  const printed = execFileSync('bash', {
    cwd: await temporaryFolder(t),
    encoding: 'utf8',
    env: { ...process.env, STOCKROOM_URL: url, XDG_CONFIG_HOME: await temporaryFolder(t) },
    input: [`exec 2>&1; npx() { shift; '${process.execPath}' '${command}' "$@"; }`, ...pasted].join('\n'),
  })
  const shown = blocks('text').map(([, , text]) => text)
  t.assert.ok(shown.length >= 2)
  const [expected, seen] = [shown.join('\n'), printed.replaceAll(url, 'http://localhost:8000')].map((text) =>
    lines(text.replaceAll(/ in [\d.]+ s .*$/gm, ' in <time>').replaceAll(/until .*$/gm, 'until <time>')),
  )
  t.assert.deepStrictEqual(seen, expected)
})

test('every test that SECURITY.md names is there', async (t: TestContext) => {
  const security = await readFile(new URL('../SECURITY.md', import.meta.url), 'utf8')
  const named = [...security.matchAll(/((?:«[^»]+»(?:, | and )?)+) \(`([\w-]+\.test\.ts)`\)/g)]
  t.assert.ok(named.length > 40)
  for (const [, sentences = '', file = ''] of named) {
    const tests = await readFile(new URL(file, import.meta.url), 'utf8')
    for (const [, sentence = ''] of sentences.matchAll(/«([^»]+)»/g)) {
      // The dots stand for what differs between tests of one kind.
      for (const part of sentence.split('…')) t.assert.ok(tests.includes(part.trim()), `${file}: ${sentence}`)
    }
  }
})

test('the settings in the README are those of --help', (t: TestContext) => {
  t.assert.ok(readme.includes(`\`\`\`text\n${describeSettings()}\n\`\`\``))
})

/** The lines that say something, with what is another each time made the same. */
function lines(text: string): string[] {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/"access_token":"[^"]*"/g, '"access_token":"<token>"')
    .split('\n')
    .filter((line) => line.trim() !== '')
}
