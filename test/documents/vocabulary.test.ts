import { test, type TestContext } from 'node:test'

import { documents } from '../support/documents.ts'
import { wordsToAvoid } from '../support/vocabulary.ts'

/** Written by programs, whose texts are in the source. */
const generated = new Set(['bench/RESULTS.md', 'test/faults/REPORT.md', 'test/mutants/REPORT.md'])

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
  const written = (await documents()).filter(({ file }) => !generated.has(file))
  t.assert.deepStrictEqual(
    written.flatMap(({ file, text }) => wordsToAvoid(proseOf(text)).map((finding) => `${file}:${finding}`)),
    [],
  )
})

/** The text without code, and without cited names of tests. Lines keep their numbers. */
function proseOf(markdown: string): string {
  const citation = /"[^"]+"(?=(?:, "[^"]+")*\s+\(`[\w/-]+\.test\.ts`\))/g
  return [/^ *```.*?^ *```$/gms, citation, /`[^`]*`/g].reduce(
    (text, code) => text.replaceAll(code, (match) => match.replaceAll(/[^\n]/g, ' ')),
    markdown,
  )
}
