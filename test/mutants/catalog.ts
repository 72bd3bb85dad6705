import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { possibleTestNamesIn } from '../support/test-names.ts'
import { type Mutant, readName, type Survivor, type Target, type TestName, UsageError } from './mutant.ts'
import { isParsable, type Replacement, replacementsIn } from './operators.ts'
import { consoleTargets } from './targets/console.ts'
import { itemTargets } from './targets/items.ts'
import { listingTargets } from './targets/listing.ts'
import { loginTargets } from './targets/logins.ts'
import { otherTargets } from './targets/others.ts'
import { readingTargets } from './targets/reading.ts'
import { requestTargets } from './targets/requests.ts'
import { tokenTargets } from './targets/tokens.ts'
import { writingTargets } from './targets/writing.ts'

/** Targets of generated mutants, in addition to the listed mistakes. */
const targets: Target[] = [
  ...tokenTargets,
  ...loginTargets,
  ...itemTargets,
  ...listingTargets,
  ...readingTargets,
  ...writingTargets,
  ...requestTargets,
  ...consoleTargets,
]

/** Files that must be targets. */
const covered = ['src/auth/*.ts', 'src/items/**/*.ts']

export interface Catalog {
  written: Mutant[]
  generated: Mutant[]
}

/** All mutants. @throws UsageError naming what is missing, or no longer matches the source */
export async function readCatalog(root: string): Promise<Catalog> {
  const missing: string[] = []
  for await (const file of glob(covered, { cwd: root })) {
    if (!targets.some((target) => target.file === file))
      missing.push(`${file} is no target, so the tests that cover it are unknown.`)
  }
  const written: Mutant[] = []
  const generated: Mutant[] = []
  for (const target of [...targets, ...otherTargets]) {
    const text = await readFile(join(root, target.file), 'utf8')
    const own = mistakesIn(text, target)
    const others = targets.includes(target) ? generatedIn(text, target) : []
    missing.push(...unfit(text, target), ...staleReasons(target, [...own, ...others]))
    written.push(...own)
    generated.push(...others)
  }
  missing.push(...(await missingTests(root)))
  if (missing.length > 0) throw new UsageError(missing.join('\n'))
  return { written, generated }
}

async function missingTests(root: string): Promise<string[]> {
  const all = [...targets, ...otherTargets].flatMap(({ tests, mistakes }) =>
    tests.concat(mistakes.flatMap((mistake) => mistake.tests ?? [])),
  )
  const files = [...Map.groupBy(new Set(all), (tests) => readName(tests).file)]
  return (await Promise.all(files.map(([file, names]) => missingIn(join(root, `test/${file}.test.ts`), names)))).flat()
}

async function missingIn(path: string, tests: TestName[]): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const names = possibleTestNamesIn(text)
  return tests
    .flatMap((each) => readName(each).alternatives)
    .filter((alternative) => !names.some((name) => new RegExp(alternative).test(name)))
    .map((alternative) => `${path} has no test "${alternative}".`)
}

function unfit(text: string, { file, mistakes }: Target): string[] {
  return mistakes.flatMap(({ what, before, after }) => {
    const times = text.split(before).length - 1
    if (times !== 1) return [`${file} has this ${times} times rather than once: ${before}`]
    // Every test would fail.
    return isParsable(text.replace(before, () => after)) ? [] : [`${file} cannot be parsed with "${what}".`]
  })
}

function staleReasons({ file, survivors = [] }: Target, mutants: Mutant[]): string[] {
  return survivors
    .filter((survivor) => !mutants.some((mutant) => isSame(survivor, mutant)))
    .map(({ before, after }) => `${file} has no such mutant any more, so it needs no reason: ${before} → ${after}`)
}

function mistakesIn(text: string, target: Target): Mutant[] {
  return target.mistakes.map(({ what, before, after, tests }) => {
    const start = text.indexOf(before)
    return toMutant(
      text,
      { ...target, tests: tests ?? target.tests },
      { start, end: start + before.length, replacement: after },
      what,
    )
  })
}

function generatedIn(text: string, target: Target): Mutant[] {
  return replacementsIn(text).map((replacement) => toMutant(text, target, replacement))
}

function toMutant(
  text: string,
  { file, tests, survivors = [] }: Target,
  replacement: Replacement,
  what?: string,
): Mutant {
  const { start, end } = replacement
  const from = text.lastIndexOf('\n', start - 1) + 1
  const behind = text.slice(end, `${text}\n`.indexOf('\n', end))
  const before = inOneLine(text.slice(from, end) + behind)
  const after = inOneLine(text.slice(from, start) + replacement.replacement + behind)
  const reason = survivors.find((survivor) => isSame(survivor, { before, after }))?.reason
  return { file, ...replacement, what, tests, line: text.slice(0, from).split('\n').length, before, after, reason }
}

function isSame(one: Omit<Survivor, 'reason'>, other: Omit<Survivor, 'reason'>): boolean {
  return one.before === other.before && one.after === other.after
}

function inOneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}
