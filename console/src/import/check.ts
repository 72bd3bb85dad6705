import type { ImportReport } from '../api.ts'
import { base } from '../route.ts'
import type { Field } from './columns.ts'
import type { Mapping } from './mapping.ts'
import { type BadRow, rowsAt } from './rejected.ts'
import { rewrite, type Rewritten } from './rewrite.ts'
import type { Survey } from './survey.ts'
import { newRequestId, upload } from './upload.ts'

/** Why a row is left out. */
export interface Finding {
  line: number
  /** Undefined for the whole row. */
  field: Field | undefined
  value: string
  /** A damage of the row, or the type of the service's error. */
  type: string
}

export interface Check {
  rewritten: Rewritten
  /** Undefined if the file cannot be imported, because a quote is out of place. */
  report: ImportReport | undefined
  findings: Finding[]
  /** The rows with findings, as they are in the file. */
  rows: BadRow[]
  /** Of all rows, also those whose findings are not listed. */
  failed: number
}

export class TooLarge extends Error {
  override name = 'TooLarge'
  readonly size: number

  constructor(size: number) {
    super(`The file has ${size} bytes.`)
    this.size = size
  }
}

interface Options {
  limit: number
  signal: AbortSignal
  /** Called with the part that was read and sent, from 0 to 1. */
  onProgress: (part: number) => void
}

/** Rewrites the file, and asks the service what it would import. @throws TooLarge, StockroomError, ConnectionError */
export async function checkFile(file: Blob, survey: Survey, mapping: Mapping, options: Options): Promise<Check> {
  const { limit, signal, onProgress } = options
  const rewritten = await rewrite(file, survey, mapping, {
    time: await serviceTime(signal),
    signal,
    onProgress: (read) => onProgress(Math.min(1, read / file.size) / 2),
  })
  if (rewritten.file.size > limit) throw new TooLarge(rewritten.file.size)
  const { damaged } = rewritten
  const isBroken = damaged.some(({ damage }) => damage !== 'field_count')
  const report = isBroken
    ? undefined
    : await upload(rewritten.file, {
        isDry: true,
        requestId: newRequestId(),
        signal,
        onProgress: (part) => onProgress(0.5 + part / 2),
      })
  const found = [
    ...damaged.map(({ line, damage }) => ({ line, field: undefined, type: damage })),
    ...(report?.errors ?? []).map(({ line, column, type }) => ({
      line: rewritten.lineOf(line),
      field: (column ?? undefined) as Field | undefined,
      type,
    })),
  ].toSorted((one, other) => one.line - other.line)
  const rows = found.length === 0 ? [] : await rowsAt(file, survey, new Set(found.map(({ line }) => line)))
  const cellsOf = new Map(rows.map(({ line, fields }) => [line, fields]))
  const findings = found.map(({ line, field, type }) => {
    const column = field === undefined ? -1 : mapping.columns.indexOf(field)
    return { line, field, type, value: cellsOf.get(line)?.[column]?.trim() ?? '' }
  })
  return { rewritten, report, findings, rows, failed: (report?.failed ?? 0) + damaged.length }
}

/** IDs carry a time, and the service refuses those from the future: the clock of this machine may be fast. */
async function serviceTime(signal: AbortSignal): Promise<number> {
  const response = await fetch(`${base}session`, { signal })
  const time = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(time) ? Date.now() : time
}
