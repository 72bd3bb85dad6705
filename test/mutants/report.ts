import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Mutant } from './mutant.ts'
import type { Trial } from './mutant.ts'
import { root } from './workplace.ts'

/** The part of all mutants that the tests have to notice. */
const leastNoticed = 0.9

/** A mutant in words. */
export function describe({ file, line, before, after, what }: Mutant): string {
  return `${file}:${line}${what === undefined ? '' : ` ${what}`}\n    ${before}\n    ${after}`
}

/** Why a run has failed, in words. */
export function problemsOf(trials: Trial[]): string[] {
  const survivors = trials.filter(isSurvivor)
  const noticed = trials.length - survivors.length
  return [
    ...survivors
      .filter(({ mutant }) => mutant.reason === undefined)
      .map(({ mutant }) => `No test notices, and no reason says why: ${describe(mutant)}`),
    ...trials
      .filter((trial) => trial.mutant.reason !== undefined && !isSurvivor(trial))
      .map(({ mutant, by }) => `«${by}» notices it, so its reason is out of date: ${describe(mutant)}`),
    ...(noticed < leastNoticed * trials.length ? [`Fewer than ${leastNoticed * 100} % are noticed.`] : []),
  ]
}

export function summaryOf(trials: Trial[]): string {
  const survived = trials.filter(isSurvivor).length
  const late = trials.filter(({ outcome }) => outcome === 'timed out').length
  return `${trials.length} mutants: ${percentage(trials)} noticed (${late} of them by a timeout), ${survived} survived.`
}

export async function writeReport(
  trials: Trial[],
  how: { sample: number; seed: string; minutes: number },
): Promise<void> {
  const parts = [
    '# Which mistakes the tests notice',
    `\`npm run mutants\`, ${new Date().toISOString().slice(0, 10)}, ${how.minutes.toFixed(0)} minutes.`,
    explanation(how),
    table(trials),
    '## Survivors',
    ...trials.filter(isSurvivor).map(survivor),
  ]
  const file = join(root, 'test/mutants/REPORT.md')
  await writeFile(file, `${parts.join('\n\n')}\n`)
  // It is kept in the repository, where every file is in one format.
  await promisify(execFile)(join(root, 'node_modules/.bin/oxfmt'), [file])
}

function explanation({ sample, seed }: { sample: number; seed: string }): string {
  return `Each mutant is one mistake in one file: «written» ones are in \`test/mutants/targets/\`, «generated» ones are ${sample} of those
that \`test/mutants/operators.ts\` makes (seed \`${seed}\`). It is noticed if one of the tests fails that its target names, or hangs.`
}

function table(trials: Trial[]): string {
  const files = [...new Set(trials.map(({ mutant }) => mutant.file))]
  const rows = files.map((file) =>
    row(
      `\`${file}\``,
      trials.filter(({ mutant }) => mutant.file === file),
    ),
  )
  const header = ['file', 'written', 'generated', 'noticed', 'by a timeout', 'survived']
  const rule = header.map((_, index) => (index === 0 ? '---' : '--:'))
  return [header, rule, ...rows, row('all', trials)].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function row(name: string, trials: Trial[]): string[] {
  const count = (isCounted: (trial: Trial) => boolean) => String(trials.filter(isCounted).length)
  return [
    name,
    count(({ mutant }) => mutant.what !== undefined),
    count(({ mutant }) => mutant.what === undefined),
    percentage(trials),
    count(({ outcome }) => outcome === 'timed out'),
    count(isSurvivor),
  ]
}

function survivor({ mutant: { file, line, what, before, after, reason } }: Trial): string {
  const title = `\`${file}:${line}\`${what === undefined ? '' : ` ${what}`}`
  return `${title}\n\n\`\`\`diff\n- ${before}\n+ ${after}\n\`\`\`\n\n${reason ?? '**No reason is known.**'}`
}

function isSurvivor({ outcome }: Trial): boolean {
  return outcome === 'survived'
}

function percentage(trials: Trial[]): string {
  const noticed = trials.filter((trial) => !isSurvivor(trial)).length
  return `${((100 * noticed) / trials.length).toFixed(1)} %`
}
