import type { Fault } from './fault.ts'
import type { Row } from './report.ts'

/** Broken guarantees of one fault that are printed as they are found; the rest is counted. */
const told = 5

/** Reports progress on stderr. */
export function openProgress(count: number) {
  const start = performance.now()
  let index = 0
  let title = ''
  const step = (what: string) => {
    const seconds = Math.round((performance.now() - start) / 1000)
    const elapsed = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    process.stderr.write(`[${elapsed}, ${index} of ${count}] ${title}: ${what}\n`)
  }
  return {
    step,
    begin(fault: Fault) {
      index++
      title = fault.name
      step('begins')
    },
    end({ broken, seconds }: Row) {
      step(broken.length === 0 ? `held, ${Math.round(seconds)} s` : `${broken.length} broken:`)
      for (const what of broken.slice(0, told)) step(what.slice(0, 300))
    },
  }
}
