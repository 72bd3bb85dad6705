import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Mutant } from './mutant.ts'
import type { Trial } from './mutant.ts'
import { root } from './workplace.ts'

const minDetected = 0.9

export function describe({ file, line, before, after, what }: Mutant): string {
  return `${file}:${line}${what === undefined ? '' : ` ${what}`}\n    ${before}\n    ${after}`
}

export function problemsOf(trials: Trial[]): string[] {
  const survivors = trials.filter(isSurvivor)
  const detected = trials.length - survivors.length
  return [
    ...survivors
      .filter(({ mutant }) => mutant.reason === undefined)
      .map(({ mutant }) => `No test detects this mutant, and no reason is given: ${describe(mutant)}`),
    ...trials
      .filter((trial) => trial.mutant.reason !== undefined && !isSurvivor(trial))
      .map(({ mutant, by }) => `"${by}" detects this mutant, so its reason is outdated: ${describe(mutant)}`),
    ...(detected < minDetected * trials.length ? [`Fewer than ${minDetected * 100} % are detected.`] : []),
  ]
}

export function summaryOf(trials: Trial[]): string {
  const survived = trials.filter(isSurvivor).length
  const late = trials.filter(({ outcome }) => outcome === 'timed out').length
  return `${trials.length} mutants: ${percentage(trials)} detected (${late} of them by timeout), ${survived} survived.`
}

export async function writeReport(
  trials: Trial[],
  how: { sample: number; seed: string; minutes: number },
): Promise<void> {
  const parts = [
    '# Mutation testing results',
    `\`npm run mutants\`, ${new Date().toISOString().slice(0, 10)}, ${how.minutes.toFixed(0)} minutes.`,
    explanation(how),
    table(trials),
    '## Survivors',
    ...trials.filter(isSurvivor).map(survivor),
  ]
  const file = join(root, 'test/mutants/REPORT.md')
  await writeFile(file, `${parts.join('\n\n')}\n`)
  // The report is committed, and formatted like every file.
  await promisify(execFile)(join(root, 'node_modules/.bin/oxfmt'), [file])
}

function explanation({ sample, seed }: { sample: number; seed: string }): string {
  return `Each mutant is one mistake in one file. "Written" mutants are listed in \`test/mutants/targets/\`; "generated" ones are a sample of
${sample} that \`test/mutants/operators.ts\` makes (seed \`${seed}\`). A mutant is detected if a test that its target names fails or hangs.`
}

function table(trials: Trial[]): string {
  const files = [...new Set(trials.map(({ mutant }) => mutant.file))]
  const rows = files.map((file) =>
    row(
      `\`${file}\``,
      trials.filter(({ mutant }) => mutant.file === file),
    ),
  )
  const header = ['file', 'written', 'generated', 'detected', 'by timeout', 'survived']
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
  return `${title}\n\n\`\`\`diff\n- ${before}\n+ ${after}\n\`\`\`\n\n${reason ?? '**No reason is given.**'}`
}

function isSurvivor({ outcome }: Trial): boolean {
  return outcome === 'survived'
}

function percentage(trials: Trial[]): string {
  const detected = trials.filter((trial) => !isSurvivor(trial)).length
  return `${((100 * detected) / trials.length).toFixed(1)} %`
}
