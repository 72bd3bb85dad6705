import { extname } from 'node:path'

import { misuse } from './failures.ts'

/** What a file is, and whether it is compressed. */
export interface FileKind<Format extends string> {
  format: Format
  isGzipped: boolean
}

/** Formats that a command knows, the first being that of a pipe, and more extensions that it takes for them. */
export interface KnownFormats<Format extends string> {
  formats: readonly [Format, ...Format[]]
  extensions: Record<string, Format>
}

export const importFormats = {
  formats: ['csv', 'ndjson'],
  extensions: { jsonl: 'ndjson', tsv: 'csv', txt: 'csv' },
} as const satisfies KnownFormats<string>

export const exportFormats = {
  formats: ['csv', 'ndjson', 'json'],
  extensions: { jsonl: 'ndjson' },
} as const satisfies KnownFormats<string>

/**
 * Tells by its name, in any case, what a file is. `given` has precedence.
 *
 * @throws Failure if it cannot be told
 */
export function kindOf<Format extends string>(
  file: string,
  given: Format | undefined,
  { formats, extensions }: KnownFormats<Format>,
): FileKind<Format> {
  const name = file.toLowerCase()
  const isGzipped = name.endsWith('.gz')
  const extension = extname(isGzipped ? name.slice(0, -3) : name).slice(1)
  const named = file === '-' ? formats[0] : formats.find((format) => format === (extensions[extension] ?? extension))
  const format = given ?? named
  if (format !== undefined) return { format, isGzipped }
  const choice = formats.join('|')
  if (spreadsheets.has(extension))
    throw misuse(`${file} is a spreadsheet, which is not read or written: use CSV UTF-8.`)
  throw misuse(`${file} does not say what it is: add --format ${choice}`)
}

const spreadsheets = new Set(['xls', 'xlsx', 'xlsm', 'xlsb', 'ods', 'numbers'])
