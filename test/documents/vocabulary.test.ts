import { glob, readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { wordsOfCode } from '../support/code-words.ts'
import { documents } from '../support/documents.ts'
import { wordsToAvoid } from '../support/vocabulary.ts'

/** Migrations are never edited, the client's schema is generated, and the list itself names the words. */
const excluded = ['src/database/migrations/**', 'src/client/schema.ts', 'test/**/vocabulary*.ts']

const codeFiles = ['{src,test,bench,scripts,deploy,console}/**/*.{ts,tsx,js,mjs}']

/** Files of other kinds, which are read as a whole. */
const otherFiles = [
  '{bench,scripts,deploy}/**/*.{sh,lua,yaml,yml,conf,cfg,service}',
  'deploy/Caddyfile',
  '{Dockerfile,compose.yaml,.npmrc,.env.example,.ci/run}',
  '.github/**/*.yml',
  'console/**/*.{css,html}',
]

test('wordsToAvoid finds words that the field does not use', (t: TestContext) => {
  const text = 'Redis is away: whoever asks\ngets no answer at once.\nPostgreSQL is unavailable; the response is 503.'
  t.assert.deepStrictEqual(wordsToAvoid(text), [
    '1: "is away": write down, unavailable',
    '1: "whoever": write the caller, the client, the operator',
    '2: "answer": write response, respond',
    '2: "at once": write immediately, at the same time',
  ])
})

test('documents use the terms of the field', async (t: TestContext) => {
  t.assert.deepStrictEqual(
    (await documents()).flatMap(({ file, text }) => wordsToAvoid(proseOf(text)).map((finding) => `${file}:${finding}`)),
    [],
  )
})

test('wordsOfCode returns comments, texts, and names of code', (t: TestContext) => {
  const code = [
    "import { answer } from 'beside.ts' // Whoever imports it.",
    'const isAway = /anew/.test(`goes on ${nobody} // at once`)',
    "const answer = { before: 'at work', what: 'mended' } /* not `there`",
    'beside */',
  ]
  t.assert.deepStrictEqual(
    wordsToAvoid(wordsOfCode(code.join('\n'))).map((finding) => finding.split(': write')[0]),
    [
      '1: "Whoever"',
      '1: "beside"',
      '2: "is Away"',
      '2: "nobody"',
      '2: "at once"',
      '2: "goes on"',
      '3: "mended"',
      '4: "beside"',
    ],
  )
})

test('comments, texts, and names in code use the terms of the field', async (t: TestContext) => {
  const findings: string[] = []
  const search = async (patterns: string[], words: (text: string) => string) => {
    for await (const file of glob(patterns, { exclude: [...excluded, 'console/src/text/de/**'] }))
      for (const finding of wordsToAvoid(words(await readFile(file, 'utf8')))) findings.push(`${file}:${finding}`)
  }
  await search(codeFiles, wordsOfCode)
  await search(otherFiles, (text) => text)
  t.assert.deepStrictEqual(findings, [])
})

/** The text without code, and without cited names of tests. Lines keep their numbers. */
function proseOf(markdown: string): string {
  const citation = /"[^"]+"(?=(?:, "[^"]+")*\s+\(`[\w/-]+\.test\.ts`\))/g
  return [/^ *```.*?^ *```$/gms, citation, /`[^`]*`/g].reduce(
    (text, code) => text.replaceAll(code, (match) => match.replaceAll(/[^\n]/g, ' ')),
    markdown,
  )
}
