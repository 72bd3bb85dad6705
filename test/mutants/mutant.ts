/** A source file, the tests that should notice mistakes in it, and some mistakes. */
export interface Target {
  /** Path from the root of the repository. */
  file: string
  /** In the order in which they are run. */
  tests: TestName[]
  mistakes: Mistake[]
  /** Mutants that no test notices. */
  survivors?: Survivor[]
}

/** A test file without folder and extension, such as `idempotency`, or some of its tests: `idempotency: part of a name`. */
export type TestName = string

/** @returns the name of the file, and a regular expression for the names of its tests */
export function readName(tests: TestName): { file: string; pattern: string } {
  const [file = '', pattern = '.'] = tests.split(': ')
  return { file, pattern }
}

/** A mistake as somebody may make it. */
export interface Mistake {
  /** What happens that should not. */
  what: string
  /** This part of the file, which is there once, is replaced. */
  before: string
  after: string
  /** The tests that should notice it, if not those of the file. */
  tests?: TestName[]
}

/** A mutant, by the lines that it changes as one line, and why no test can notice it. */
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
  /** The number of the first line that it changes, and the lines as one line. */
  line: number
  before: string
  after: string
  /** Why no test can notice it. */
  reason: string | undefined
}

export function mutated(
  text: string,
  { start, end, replacement }: Pick<Mutant, 'start' | 'end' | 'replacement'>,
): string {
  return text.slice(0, start) + replacement + text.slice(end)
}

/** Wrong options or data: the message says all. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** What came of a mutant. */
export interface Trial {
  mutant: Mutant
  outcome: 'noticed' | 'timed out' | 'survived'
  /** The test that noticed it. */
  by: string
  ms: number
}
