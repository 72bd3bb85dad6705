import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { type Mutant, type Survivor, type Target, UsageError } from './mutant.ts'
import { type Replacement, replacementsIn } from './operators.ts'
import { itemTargets } from './targets/items.ts'
import { listingTargets } from './targets/listing.ts'
import { loginTargets } from './targets/logins.ts'
import { otherTargets } from './targets/others.ts'
import { readingTargets } from './targets/reading.ts'
import { requestTargets } from './targets/requests.ts'
import { tokenTargets } from './targets/tokens.ts'
import { writingTargets } from './targets/writing.ts'

/** Targets of which mutants are generated, besides the mistakes that are written down. */
const targets: Target[] = [
  ...tokenTargets,
  ...loginTargets,
  ...itemTargets,
  ...listingTargets,
  ...readingTargets,
  ...writingTargets,
  ...requestTargets,
]

/** Files that have to be among them. */
const covered = ['src/auth/*.ts', 'src/items/**/*.ts']

export interface Catalog {
  written: Mutant[]
  generated: Mutant[]
}

/** All mutants. @throws UsageError naming what is missing, or does not fit the source any more */
export async function readCatalog(root: string): Promise<Catalog> {
  const missing: string[] = []
  for await (const file of glob(covered, { cwd: root })) {
    if (!targets.some((target) => target.file === file))
      missing.push(`${file} is no target, so nobody says which tests cover it.`)
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
  if (missing.length > 0) throw new UsageError(missing.join('\n'))
  return { written, generated }
}

function unfit(text: string, { file, mistakes }: Target): string[] {
  const times = ({ before }: { before: string }) => text.split(before).length - 1
  return mistakes
    .filter((mistake) => times(mistake) !== 1)
    .map((mistake) => `${file} has this ${times(mistake)} times rather than once: ${mistake.before}`)
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
