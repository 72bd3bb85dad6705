import { extname } from 'node:path'

import { usageError } from './errors.ts'

export interface FileKind<Format extends string> {
  format: Format
  isGzipped: boolean
}

export interface KnownFormats<Format extends string> {
  formats: readonly [Format, ...Format[]]
  extensions: Record<string, Format>
  spreadsheets: string
}

export const importFormats = {
  formats: ['csv', 'ndjson'],
  extensions: { jsonl: 'ndjson', tsv: 'csv', txt: 'csv' },
  spreadsheets: 'Save it as CSV UTF-8, and import that',
} as const satisfies KnownFormats<string>

export const exportFormats = {
  formats: ['csv', 'ndjson', 'json'],
  extensions: { jsonl: 'ndjson' },
  spreadsheets: 'Export to a .csv file with --safe spreadsheet, and open that',
} as const satisfies KnownFormats<string>

export function kindOf<Format extends string>(
  file: string,
  given: Format | undefined,
  known: KnownFormats<Format>,
): FileKind<Format> {
  refuseWorkbook(file, given, known)
  const { formats, extensions } = known
  const { extension, isGzipped } = partsOf(file)
  const named = file === '-' ? formats[0] : formats.find((format) => format === (extensions[extension] ?? extension))
  const format = given ?? named
  if (format !== undefined) return { format, isGzipped }
  throw usageError(`Cannot infer the format of ${file}. Pass --format ${formats.join('|')}.`)
}

export function refuseWorkbook(file: string, given: string | undefined, { spreadsheets }: KnownFormats<string>): void {
  if (given !== undefined || !workbooks.has(partsOf(file).extension)) return
  throw usageError(`${file} is a spreadsheet. ${spreadsheets}.`)
}

const workbooks = new Set(['xls', 'xlsx', 'xlsm', 'xlsb', 'ods', 'fods', 'numbers'])

function partsOf(file: string) {
  const name = file.toLowerCase()
  const isGzipped = name.endsWith('.gz')
  return { extension: extname(isGzipped ? name.slice(0, -3) : name).slice(1), isGzipped }
}
