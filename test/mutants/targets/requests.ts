import type { Target } from '../mutant.ts'

/** Idempotency keys, and numbers as they are read. */
export const requestTargets: Target[] = [
  {
    file: 'src/idempotency.ts',
    tests: ['idempotency: same key|another body|registration|failed|in use|24 hours'],
    mistakes: [
      {
        what: 'a key with another body gets the first response',
        before: '!known?.isSame',
        after: 'false',
      },
      {
        what: 'a key in quotes is another one',
        before: "key.startsWith('\"') ?",
        after: 'false ?',
        tests: ['idempotency: same key|another body|malformed'],
      },
      {
        what: 'what is made is not in the transaction of its key',
        before: 'await write(transaction)',
        after: 'await write()',
        tests: ['idempotency: one transaction'],
      },
      {
        what: 'two requests with one key wait for each other',
        before: 'await lock(query, id)\n    if',
        after: 'if',
        tests: ['idempotency: in use'],
      },
      {
        what: 'a write of many items is made again',
        before: 'if (known) return counted(',
        after: 'if (!id) return counted(',
        tests: ['keyed-writes: replayed'],
      },
      {
        what: 'members within members are not compared',
        before: 'JSON.stringify(body, (_name, value: unknown) => {',
        after: 'JSON.stringify(Object.keys(body), (_name, value: unknown) => {',
        tests: ['keyed-writes: replayed'],
      },
      {
        what: 'a registration that is sent again is hashed again',
        before: 'if (known?.isSame) return replay<Response>(known.response)',
        after: '',
        tests: ['idempotency: registration'],
      },
      {
        what: 'keys of deleted managers stay',
        before: 'new Date(), owner]',
        after: 'new Date(), null]',
        tests: ['store-managers/me: repeated requests'],
      },
      {
        what: 'keys are swept before a day has passed',
        before: 'Date.now() - retentionMs',
        after: 'Date.now() - retentionMs / 2',
        tests: ['idempotency: 24 hours'],
      },
      {
        what: 'keys are never swept',
        before: '() => purgeExpired(db)',
        after: '() => Promise.resolve()',
        tests: ['idempotency: 24 hours'],
      },
    ],
  },
  {
    file: 'src/http/query-parameters.ts',
    tests: ['http/query-parameters'],
    mistakes: [
      {
        what: '.5 is a number',
        before: '(?:0|[1-9]\\d*)(?:\\.\\d+)?',
        after: '(?:0|[1-9]\\d*)?(?:\\.\\d+)?',
        tests: ['http/query-parameters: numbers'],
      },
      {
        what: '5. is a number',
        before: '(?:\\.\\d+)?(?:[eE]',
        after: '(?:\\.\\d*)?(?:[eE]',
        tests: ['http/query-parameters: numbers'],
      },
      {
        what: 'hexadecimal numbers and blanks are numbers',
        before: 'jsonNumber.test(value) ? exactNumber(value) : value',
        after: 'Number(value)',
        tests: ['http/query-parameters: numbers'],
      },
      {
        what: 'long numbers are rounded',
        before: '? exactNumber(value)',
        after: '? Number(value)',
        tests: ['http/query-parameters: numbers'],
      },
      {
        what: 'unknown parameters are ignored',
        before: "else if (!isStrict || name === '_')",
        after: 'else',
        tests: ['http/query-parameters: unknown'],
      },
      {
        what: 'a list of one value is refused',
        before: 'Array.isArray(value) ? value : [value]',
        after: 'value',
        tests: ['http/query-parameters: repeated'],
      },
    ],
  },
  {
    file: 'src/http/body-parsers.ts',
    tests: [
      'http/lossy-numbers',
      'http/query-parameters: numbers',
      'http/errors: byte order|compressed|64 KiB|another media type',
      'items/items: price',
    ],
    mistakes: [
      {
        what: 'numbers of 16 digits are rounded',
        before: '(?:\\d\\.?){16}',
        after: '(?:\\d\\.?){17}',
        tests: ['http/lossy-numbers'],
      },
      {
        what: 'digits behind the point are not counted',
        before: '(?:\\d\\.?){16}',
        after: '\\d{16}',
        tests: ['http/lossy-numbers'],
      },
      {
        what: 'numbers with exponents are rounded, or Infinity',
        before: '|\\de[-+]?\\d/i',
        after: '/i',
        tests: ['items/items: price'],
      },
      {
        what: '1.50 is another number than 1.5',
        before: "while (all[end - 1] === '0') end--",
        after: '',
        tests: ['http/lossy-numbers'],
      },
      {
        what: 'long numbers in queries are rounded',
        before: 'return isExact(text) ? Number(text) : Number.NaN',
        after: 'return Number(text)',
        tests: ['http/lossy-numbers'],
      },
    ],
  },
  {
    file: 'src/database/purging.ts',
    tests: ['idempotency: 24 hours'],
    mistakes: [
      {
        what: 'more rows than one statement deletes are left',
        before: 'if (numAffectedRows < purgeBatchSize) return',
        after: 'return',
      },
    ],
  },
  {
    file: 'src/database/type-parsers.ts',
    tests: ['items/etags: other versions', 'items/items: price'],
    mistakes: [{ what: 'prices are text', before: 'oid === numeric ? Number :', after: 'false ? Number :' }],
  },
]
