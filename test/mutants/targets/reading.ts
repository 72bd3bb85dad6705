import type { Target } from '../mutant.ts'

/** Files that are imported, as they are read. */
export const readingTargets: Target[] = [
  {
    file: 'src/items/import/body.ts',
    tests: [
      'items/import/codings',
      'items/import/import: unreadable',
      'items/import/failures: slices|breaks off|slow import|30 seconds',
    ],
    mistakes: [
      {
        what: 'a character that is cut between two chunks is an error',
        before: 'bytes.subarray(0, bytes.length - incompleteSuffixLength(bytes))',
        after: 'bytes',
        tests: ['items/import/failures: slices', 'items/import/import: clock'],
      },
      {
        what: 'a character that is cut at the end is dropped',
        before: 'if (rest.length > 0) throw notUtf8(rest, lines)',
        after: '',
        tests: ['items/import/import: unreadable', 'items/import/codings'],
      },
      {
        what: 'a body without a length may be of any length',
        before: 'if (total > maxBytes) throw tooLarge(maxBytes)',
        after: '',
        tests: ['items/import/failures: unknown length'],
      },
      {
        what: 'a slow client is waited for',
        before: 'remaining -= performance.now() - since',
        after: '',
        tests: ['items/import/failures: slow import'],
      },
      {
        what: 'a body that is cut off is a 500',
        before:
          "error instanceof Problem\n      ? error\n      : new Problem('malformed_body', 'The request body was truncated. Send it again.')",
        after: 'error',
        tests: ['items/import/failures: breaks off'],
      },
      {
        what: 'the line of a wrong byte is that of its chunk',
        before: 'wrong.line++',
        after: '',
        tests: ['items/import/import: unreadable', 'items/import/codings'],
      },
    ],
  },
  {
    file: 'src/items/import/coding.ts',
    tests: ['items/import/codings', 'items/import/import: unreadable'],
    mistakes: [
      {
        what: 'a small gzip may hold any number of bytes',
        before: 'if (total > limit) throw tooLarge(limit)',
        after: '',
        tests: ['items/import/codings: early'],
      },
      {
        what: 'a character of UTF-16 that is cut at the end is dropped',
        before: 'if (decoder) yield decode()',
        after: '',
        tests: ['items/import/codings: charset'],
      },
      {
        what: 'bytes that are none of the charset become �',
        before: '{ fatal: true }',
        after: '{ fatal: false }',
        tests: ['items/import/codings: charset'],
      },
      {
        what: 'UTF-16 without a mark is read as names with null characters',
        before: 'if (!isMarked && start',
        after: 'if (false && start',
        tests: ['items/import/import: unreadable'],
      },
    ],
  },
  {
    file: 'src/items/import/csv.ts',
    tests: ['items/import/spreadsheets: line and column|saved|comma', 'items/import/import: line ends|line and column'],
    mistakes: [
      {
        what: 'a surplus field is dropped',
        before: 'if (fields.length > count && fields.slice(count).some(notBlank))',
        after: 'if (false)',
      },
      {
        what: '1.299 is one dollar in a file with decimal commas',
        before: 'isDoubtful && hasCommas ? price :',
        after: '',
      },
      {
        what: 'a comma counts in its own row only',
        before: 'hasCommas ||= decimalComma',
        after: 'hasCommas = decimalComma',
      },
      {
        what: 'numbers are read as JavaScript reads them',
        before: 'jsonNumber.test(text) ? exactNumber(text) : text',
        after: 'Number(text)',
        tests: ['http/lossy-numbers', 'items/import/spreadsheets: line and column'],
      },
    ],
  },
  {
    file: 'src/items/import/header.ts',
    tests: ['items/import/spreadsheets', 'items/import/import: unreadable'],
    mistakes: [
      {
        what: 'an ignored column that is there twice makes the file unreadable',
        before: 'const twice = positions',
        after: 'if (new Set(header).size < header.length) throw new UnreadableFile([])\n  const twice = positions',
      },
      {
        what: 'a column that is renamed and missing is ignored',
        before: ' || renamed.has(column)',
        after: '',
        tests: ['items/import/spreadsheets: query'],
      },
      {
        what: 'a name with an equals sign is cut',
        before: "const at = text.indexOf('=')",
        after: "const at = text.lastIndexOf('=')",
        tests: ['items/import/spreadsheets: query'],
      },
    ],
  },
  {
    file: 'src/items/import/hints.ts',
    tests: ['items/import/spreadsheets: line and column'],
    mistakes: [
      {
        what: 'a price of 1.299 is proposed as one number',
        before: '? [asWhole, asFraction] : [asFraction]',
        after: '? [asFraction] : [asFraction]',
      },
      {
        what: 'a category far from any is proposed',
        before: 'Math.max(1, length / 3)',
        after: 'length',
      },
      { what: 'a value of any length is quoted', before: 'text.length > longestQuote ?', after: 'false ?' },
    ],
  },
  {
    file: 'src/items/import/layout.ts',
    tests: ['items/import/spreadsheets', 'items/import/import: without rows|line ends'],
    mistakes: [
      {
        what: 'the most frequent separator is taken',
        before: 'foundOf(names, renamed) * longestRow + names.length',
        after: 'names.length',
      },
      { what: 'lines are counted from after sep=;', before: 'const line = separator ? 2 : 1', after: 'const line = 1' },
      { what: 'a title above the columns is dropped', before: 'if (above !== -1)', after: 'if (false)' },
    ],
  },
  {
    file: 'src/items/import/ndjson.ts',
    tests: [
      'items/import/import: JSON|unreadable|without rows',
      'items/import/spreadsheets: JSON',
      'items/import/records: NDJSON',
    ],
    mistakes: [
      {
        what: 'a long line fills the memory',
        before: 'if (rest.length > longestRow) throw tooLong(line)',
        after: '',
        tests: ['items/import/records: NDJSON'],
      },
      {
        what: 'long numbers are rounded',
        before: 'parseLossless(text)',
        after: 'JSON.parse(text)',
        tests: ['http/lossy-numbers'],
      },
    ],
  },
  {
    file: 'src/items/import/records.ts',
    tests: ['items/import/records', 'items/import/import: unreadable'],
    mistakes: [],
  },
  {
    file: 'src/items/import/scanner.ts',
    tests: ['items/import/records', 'items/import/spreadsheets'],
    mistakes: [
      {
        what: 'a line break that is cut in two ends two records',
        before: "if (text[at] === '\\r' && at + 1 === text.length && !isEnd) return false",
        after: '',
      },
    ],
    survivors: [
      {
        before: 'if (from < since || from > found) {',
        after: 'if (true) {',
        reason: 'It finds the same, but looks at characters again.',
      },
    ],
  },
  { file: 'src/items/import/dry-run.ts', tests: ['items/import/dry-runs'], mistakes: [] },
]
