import { parseLossless } from '../../http/body-parsers.ts'
import { UnreadableFile } from './report.ts'
import { longestRow, type Row } from './rows.ts'

/** @throws UnreadableFile if a line is too long */
export async function* ndjsonRows(chunks: AsyncIterable<Buffer>): AsyncGenerator<Row[]> {
  let rest = ''
  let line = 1
  for await (const chunk of chunks) {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    yield lines.flatMap((text) => rowOf(text, line++))
    if (rest.length > longestRow) throw tooLong(line)
  }
  yield rowOf(rest, line)
}

function rowOf(text: string, line: number): Row[] {
  if (text.length > longestRow) throw tooLong(line)
  if (line === 1 && /^\s*\[\s*(?:\{|$)/.test(text)) throw isArray()
  if (text.trim() === '') return []
  try {
    return [{ line, fields: parseLossless(text) }]
  } catch {
    return [
      {
        line,
        fields: undefined,
        error: { type: 'json_invalid', msg: 'is not a JSON object: write one object per line' },
      },
    ]
  }
}

function isArray(): UnreadableFile {
  const msg = 'begins a JSON array: write one object per line, without brackets and commas'
  return new UnreadableFile([{ line: 1, column: null, type: 'not_ndjson', msg }])
}

function tooLong(line: number): UnreadableFile {
  const msg = `is longer than ${longestRow / 1024} KiB`
  return new UnreadableFile([{ line, column: null, type: 'row_too_long', msg }])
}
