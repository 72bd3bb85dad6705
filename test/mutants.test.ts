import { test, type TestContext } from 'node:test'

import { readCatalog } from './mutants/catalog.ts'
import { mutated } from './mutants/mutant.ts'
import { replacementsIn } from './mutants/operators.ts'
import { sample } from './mutants/sample.ts'

const cases: [text: string, mutants: string[]][] = [
  ['if (a) b = 1', ['if (true) b = 1', 'if (false) b = 1', 'if (a) ;']],
  ['let c = a < 5', ['let c = (a <= 5)', 'let c = a < 6']],
  ['let c = a && b ? 1 : 2', ['let c = true ? 1 : 2', 'let c = false ? 1 : 2', 'let c = (a || b) ? 1 : 2']],
  ['let c = a ?? !b', ['let c = a', 'let c = a ?? b']],
  ["let c = a + 'x'", []],
  ['let c = a + b', ['let c = (a - b)']],
  ['await a()', [';', 'a()']],
  ['function f() { throw a }', ['function f() { ; }']],
  ['let c = a.trim().some(b)', ['let c = a.trim().every(b)', 'let c = a.some(b)']],
  ['let c = /^a$/i', ['let c = /a$/i', 'let c = /^a/i', 'let c = /^a$/']],
  ['interface A { b: true }', []],
]

test('mutants are made by rule', (t: TestContext) => {
  for (const [text, mutants] of cases) {
    const made = replacementsIn(text).map((replacement) => mutated(text, replacement))
    t.assert.deepStrictEqual(made.toSorted(), mutants.toSorted(), text)
  }
})

test('a sample has some of each group, and depends on the seed alone', (t: TestContext) => {
  const things = Array.from({ length: 100 }, (_, at) => `${at % 7} ${at}`)
  const how = { key: (thing: string) => thing, group: ([group = '']: string) => group }
  const chosen = sample(things, 20, 'seed', how)
  t.assert.strictEqual(new Set(chosen).size, 20)
  t.assert.strictEqual(new Set(chosen.map(how.group)).size, 7)
  t.assert.deepStrictEqual(sample(things.toReversed(), 20, 'seed', how).toReversed(), chosen)
  t.assert.notDeepStrictEqual(sample(things, 20, 'another', how), chosen)
  const fewer = things.filter((thing) => !thing.startsWith('3'))
  const kept = sample(fewer, 20, 'seed', how)
  t.assert.ok(chosen.filter((thing) => !thing.startsWith('3')).every((thing) => kept.includes(thing)))
})

test('the catalog fits the source and the tests', async (t: TestContext) => {
  await t.assert.doesNotReject(readCatalog('.'))
})
