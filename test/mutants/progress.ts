import type { Trial } from './mutant.ts'
import { describe } from './report.ts'

export interface Progress {
  /** Called with the time that the tests of a file take without a mutant. */
  measured(file: string, ms: number): void
  /** Called before the first mutant with their number. */
  begin(count: number): void
  end(trial: Trial): void
}

/** Reports progress on stderr. */
export function openProgress(): Progress {
  const start = performance.now()
  let count = 0
  let tried = 0
  const tell = (what: string) => {
    const seconds = Math.round((performance.now() - start) / 1000)
    const elapsed = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    process.stderr.write(`[${elapsed}${count > 0 ? `, ${tried} of ${count}` : ''}] ${what}\n`)
  }
  return {
    measured: (file, ms) => tell(`test/${file}.test.ts takes ${inSeconds(ms)} without a mutant`),
    begin: (mutants) => (count = mutants),
    end({ mutant, outcome, by, ms }) {
      tried++
      tell(`${outcome}, ${inSeconds(ms)}: ${describe(mutant)}${by === '' ? '' : `\n    by "${by}"`}`)
    },
  }
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
