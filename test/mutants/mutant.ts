/** A source file, the tests that should detect mistakes in it, and some mistakes. */
export interface Target {
  /** Path from the root of the repository. */
  file: string
  /** In the order of execution. */
  tests: TestName[]
  mistakes: Mistake[]
  /** Mutants that no test detects. */
  survivors?: Survivor[]
}

/** A test file without folder and extension, such as `idempotency`, or some of its tests: `idempotency: part of a name`. */
export type TestName = string

/** @returns the name of the file, a regular expression for the names of its tests, and its alternatives */
export function readName(tests: TestName): { file: string; pattern: string; alternatives: string[] } {
  const [file = '', pattern = '.'] = tests.split(': ')
  return { file, pattern, alternatives: pattern.split('|') }
}

/** A likely mistake. */
export interface Mistake {
  /** The effect of the mistake. */
  what: string
  /** This part of the file, which must be unique, is replaced. */
  before: string
  after: string
  /** The tests that should detect it, if not those of the file. */
  tests?: TestName[]
}

/** A mutant, identified by the lines that it changes, and why no test can detect it. */
export interface Survivor {
  before: string
  after: string
  reason: string
}

/** A replacement in a file. */
export interface Mutant {
  file: string
  start: number
  end: number
  replacement: string
  /** Undefined if it was generated. */
  what: string | undefined
  tests: TestName[]
  /** The number of the first changed line, and the changed lines joined. */
  line: number
  before: string
  after: string
  /** Why no test can detect it. */
  reason: string | undefined
}

export function mutated(
  text: string,
  { start, end, replacement }: Pick<Mutant, 'start' | 'end' | 'replacement'>,
): string {
  return text.slice(0, start) + replacement + text.slice(end)
}

/** Wrong options or data: only the message is printed. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export interface Trial {
  mutant: Mutant
  outcome: 'noticed' | 'timed out' | 'survived'
  /** The test that detected it. */
  by: string
  ms: number
}
