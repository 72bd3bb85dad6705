import { type Mutant, readName, type Trial, type TestName, UsageError } from './mutant.ts'
import type { Progress } from './progress.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

/** A test hangs if it takes `times` times as long as without a mutant, and `ms` more. */
const limit = { times: 3, ms: 20_000 }

/** Milliseconds for tests whose usual time is not known yet. */
const longestTest = 600_000

/** Tries `mutants`, `jobs` in parallel. @throws UsageError if tests fail without a mutant, or a name matches none */
export async function tryAll(mutants: Mutant[], jobs: number, progress: Progress, stop: AbortSignal): Promise<Trial[]> {
  await using stack = new AsyncDisposableStack()
  const places = await Promise.all(Array.from({ length: jobs }, async () => stack.use(await openWorkplace(stop))))
  const times = new Map<string, number>()
  const files = Map.groupBy(new Set(mutants.flatMap(({ tests }) => tests)), (tests) => readName(tests).file).entries()
  await together(places, async (place) => {
    for (const [file, names] of files) times.set(file, await measure(file, names, place, progress))
  })
  progress.begin(mutants.length)
  const rest = mutants.values()
  const trials: Trial[] = []
  await together(places, async (place) => {
    for (const mutant of rest) {
      const trial = await place.withMutant(mutant, () => tryOne(mutant, place, times))
      trials.push(trial)
      progress.end(trial)
    }
  })
  return trials.toSorted((one, other) => mutants.indexOf(one.mutant) - mutants.indexOf(other.mutant))
}

async function together(places: Workplace[], work: (place: Workplace) => Promise<void>): Promise<void> {
  const ended = await Promise.allSettled(places.map(work))
  for (const result of ended) if (result.status === 'rejected') throw result.reason
}

/** Runs the tests of `file` that match `names`. @returns milliseconds */
async function measure(file: string, names: TestName[], place: Workplace, progress: Progress): Promise<number> {
  const patterns = names.map((name) => readName(name).pattern)
  const { passed, failed, isFailed, ms } = await place.run(`${file}: ${patterns.join('|')}`, longestTest)
  if (isFailed) throw new UsageError(`test/${file}.test.ts fails without a mutant: ${failed ?? 'it does not run'}`)
  const missing = names
    .flatMap((name) => readName(name).alternatives)
    .find((alternative) => !passed.some((name) => new RegExp(alternative).test(name)))
  if (missing !== undefined) throw new UsageError(`test/${file}.test.ts has no test "${missing}".`)
  progress.measured(file, ms)
  return ms
}

async function tryOne(mutant: Mutant, place: Workplace, times: Map<string, number>): Promise<Trial> {
  const startedAt = performance.now()
  const took = () => performance.now() - startedAt
  for (const tests of mutant.tests) {
    const { isFailed, isTimedOut, failed } = await place.run(
      tests,
      (times.get(readName(tests).file) ?? 0) * limit.times + limit.ms,
    )
    if (isTimedOut) return { mutant, outcome: 'timed out', by: tests, ms: took() }
    if (isFailed) return { mutant, outcome: 'noticed', by: failed ?? `${tests} cannot start`, ms: took() }
  }
  return { mutant, outcome: 'survived', by: '', ms: took() }
}
