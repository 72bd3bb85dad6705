import { extname } from 'node:path'

import { misuse } from './failures.ts'

/** What a file is, and whether it is compressed. */
export interface FileKind<Format extends string> {
  format: Format
  isGzipped: boolean
}

/**
 * Tells by its name what a file is; `given` comes first, and the first of `known` is what a pipe has if nothing is said.
 *
 * @throws Failure if it cannot be told
 */
export function kindOf<const Format extends string>(
  file: string,
  given: Format | undefined,
  known: readonly [Format, ...Format[]],
): FileKind<Format> {
  const isGzipped = file.endsWith('.gz')
  const extension = extname(isGzipped ? file.slice(0, -3) : file).slice(1)
  const named = file === '-' ? known[0] : known.find((format) => format === (synonyms[extension] ?? extension))
  const format = given ?? named
  if (format === undefined) throw misuse(`${file} does not say what it is: add --format ${known.join('|')}`)
  return { format, isGzipped }
}

const synonyms: Record<string, string> = { jsonl: 'ndjson' }
