import type { Target } from '../mutant.ts'

/** Lists, summaries, and exports. */
export const listingTargets: Target[] = [
  {
    file: 'src/items/list/scan-budget.ts',
    tests: ['concurrency/fair-shares: runs again'],
    mistakes: [
      { what: 'a slow page takes its budget each time', before: 'slow.set(kind, true)', after: '' },
      {
        what: 'a slow page of one manager makes those of all slow',
        before: 'return [me, sort,',
        after: 'return [sort,',
      },
    ],
    survivors: [
      { before: 'slow.set(kind, true)', after: 'slow.set(kind, false)', reason: 'Only the keys are looked at.' },
    ],
  },
  {
    file: 'src/items/export/stream-all.ts',
    tests: ['items/items: list'],
    mistakes: [{ what: 'the list is in no order', before: ".orderBy('items.id')", after: '' }],
  },
  {
    file: 'src/items/query/filters.ts',
    tests: ['items/list/search: filters|any part', 'items/list/page: invalid parameters'],
    mistakes: [
      { what: 'a percent sign in a search matches anything', before: '/[\\\\%_]/g', after: '/[\\\\_]/g' },
      {
        what: 'filters are alternatives',
        before: 'sql.join(conditions, sql` and `)',
        after: 'sql`(${sql.join(conditions, sql` or `)})`',
      },
      {
        what: 'the categories are not named with what is in stock, so no index serves',
        before: '(category ?? inStock) !== undefined',
        after: 'category !== undefined',
        tests: ['items/list/plans', 'items/list/search: filters'],
      },
    ],
  },
  {
    file: 'src/items/export/json.ts',
    tests: [
      'items/list/list: byte',
      'items/list/page: any parameter',
      'items/items: expand=|without created_at',
      'items/export/export: RFC',
      'items/export/round-trip',
    ],
    mistakes: [
      {
        what: 'a vertical tab in a name breaks the list',
        before: "if (found === '\\\\v') return String.raw`\\u000b`\n",
        after: '',
      },
      {
        what: 'a price has zeros that do not count',
        before: "price.length < 8 && !price.endsWith('0') ? price : String(Number(price))",
        after: 'price',
      },
    ],
    survivors: [
      {
        before: "return price.length < 8 && !price.endsWith('0') ? price : String(Number(price))",
        after: "return price.length < 9 && !price.endsWith('0') ? price : String(Number(price))",
        reason: 'JavaScript writes a number of 8 characters as PostgreSQL does: the first that differs is 0.0000001.',
      },
    ],
  },
  {
    file: 'src/items/list/links.ts',
    tests: ['items/list/page: Link'],
    mistakes: [
      {
        what: 'the first page is the list of everything',
        before: 'new URLSearchParams({ limit: String(limit) })',
        after: 'new URLSearchParams()',
      },
      {
        what: 'a Link is longer than a header may be',
        before: 'of new Set([value].flat())',
        after: 'of [value].flat()',
      },
    ],
  },
  {
    file: 'src/items/export/copy-literals.ts',
    tests: ['items/list/search: filters', 'items/export/export: hostile'],
    mistakes: [
      {
        what: 'a quote in a filter ends the literal',
        before: 'return escapeLiteral(value)',
        after: "return `'${value}'`",
        tests: ['items/export/export: hostile'],
      },
    ],
  },
  {
    file: 'src/items/query/sort.ts',
    tests: ['items/list/page: each sort|names sort|alike', 'items/list/page: cursor'],
    mistakes: [
      {
        what: 'a page by time repeats the items of its last millisecond',
        before: 'HH24:MI:SS.US',
        after: 'HH24:MI:SS.MS000',
      },
      {
        what: 'a cursor of February 30 is a 500',
        before: ' && isDate(key.slice(0, 19))',
        after: '',
        tests: ['items/list/page: cursor'],
      },
      {
        what: 'items alike in what is sorted by are in no order',
        before: 'key ? sql`${key} ${way}, items.id ${way}`',
        after: 'key ? sql`${key} ${way}`',
      },
      {
        what: 'the last item of a page begins the next',
        before: "direction === 'asc' ? '>' : '<'",
        after: "direction === 'asc' ? '>=' : '<='",
      },
      {
        what: 'a cursor with a null character is a 500',
        before: " && !key.includes('\\0')",
        after: '',
        tests: ['items/list/page: cursor'],
      },
    ],
  },
  {
    file: 'src/items/list/page.ts',
    tests: [
      'items/list/page: each sort|count|any parameter|X-Next-After|bound',
      'items/list/search: filters',
      'items/list/plans',
    ],
    mistakes: [
      {
        what: 'a page that is just full has an empty one behind it',
        before: 'rows.length > limit ? found',
        after: 'rows.length >= limit ? found',
      },
      {
        what: 'an estimated count is 1 for nothing',
        before: 'after === undefined && found <= limit ? found : Math',
        after: 'Math',
        tests: ['items/list/page: count'],
      },
      {
        what: 'the last page of a price range reads the table',
        before: 'whereFilters(dropCoveredPriceBound(query, position), me)',
        after: 'isMatch',
        tests: ['items/list/plans'],
      },
    ],
    survivors: [
      {
        before: 'return (isUpwards ? Number(key) >= start : Number(key) <= start) ? others : query',
        after: 'return (isUpwards ? (Number(key) > start) : Number(key) <= start) ? others : query',
        reason: 'A bound at the position itself removes no row.',
      },
      {
        before: 'return (isUpwards ? Number(key) >= start : Number(key) <= start) ? others : query',
        after: 'return (isUpwards ? Number(key) >= start : (Number(key) < start)) ? others : query',
        reason: 'A bound at the position itself removes no row.',
      },
    ],
  },
  {
    file: 'src/items/list/routes.ts',
    tests: [
      'items/list/page: any parameter|count',
      'items/items: list|expand=',
      'items/list/list: HEAD',
      'items/list/summary: exact',
    ],
    mistakes: [
      {
        what: 'HEAD reads the table',
        before: "request.method === 'HEAD' ? Readable.from([]) :",
        after: 'false ? Readable.from([]) :',
        tests: ['items/list/list: HEAD'],
      },
      {
        what: 'a sum is rounded',
        before: '.serializer(writeJson)',
        after: '',
        tests: ['items/list/summary: exact'],
      },
    ],
    survivors: [
      {
        before: "return request.method === 'HEAD' ? Readable.from([]) : listing(source, expand, reader)",
        after: 'return false ? Readable.from([]) : listing(source, expand, reader)',
        reason: 'Fastify destroys the body of a response to HEAD before it is read, and its query starts only then.',
      },
      {
        before:
          'const summary = await counts.run(() => summarize(db, pool, request.query, me), me, disconnectionOf(reply))',
        after: 'const summary = counts.run(() => summarize(db, pool, request.query, me), me, disconnectionOf(reply))',
        reason: 'The handler returns the promise, which is awaited then.',
      },
    ],
  },
  {
    file: 'src/items/query/schemas.ts',
    tests: ['items/list/page: invalid parameters', 'openapi/document: snapshot'],
    mistakes: [{ what: 'a page may have any number of items', before: '        maximum: maxLimit,\n', after: '' }],
  },
  {
    file: 'src/items/export/copy-stream.ts',
    tests: [
      'items/list/list: byte|leaves no timer',
      'items/list/list: nothing for too long|sends nothing|halfway|steady reader',
    ],
    mistakes: [
      {
        what: 'a list holds its place for ever',
        before: 'using _permit = await gate.acquire(me, ended)',
        after: 'await gate.acquire(me, ended)',
        tests: ['items/list/list: two lists'],
      },
      {
        what: 'rows that are cut are lost',
        before: 'partialLine = text.slice(end)',
        after: "partialLine = ''",
        tests: ['items/import/import: clock'],
      },
      {
        what: 'a reader that takes a little now and then is never dropped',
        before: 'waited += performance.now() - offeredAt',
        after: 'waited = 0',
        tests: ['items/list/list: takes too little'],
      },
      {
        what: 'a server that hangs is waited for',
        before: 'timer = setTimeout(onDatabaseTimeout, timeouts.store)\n      // A turn',
        after: '// A turn',
        tests: ['items/list/list: stops sending'],
      },
    ],
    survivors: [
      {
        before: 'if (performance.now() - turnedAt > maxTurn) {',
        after: 'if ((performance.now() + turnedAt) > maxTurn) {',
        reason: 'It makes lists slower, for they look for other requests after each chunk.',
      },
    ],
  },
  {
    file: 'src/items/list/summary.ts',
    tests: ['items/list/summary', 'items/list/plans'],
    mistakes: [
      {
        what: 'a price at a bound is in two ranges',
        before: 'items.price_usd < below',
        after: 'items.price_usd <= below',
      },
      {
        what: 'a filter by prices does not count',
        before: ' and ${whereFilters(prices, me)}\n    ) as found',
        after: '\n    ) as found',
      },
      {
        what: 'a category that is named twice counts twice',
        before: 'unnest(${[...new Set(category)]}::text[])',
        after: 'unnest(${category}::text[])',
      },
    ],
    survivors: [
      {
        before:
          'const isIndexed = engine.joinsLaterally && filters.q === undefined && filters.store_manager_id === undefined',
        after:
          'const isIndexed = (engine.joinsLaterally && filters.q === undefined || filters.store_manager_id === undefined)',
        reason: 'Both ways find the same. One is faster.',
      },
    ],
  },
  { file: 'src/items/export/compression.ts', tests: ['items/export/export: gzipped'], mistakes: [] },
  {
    file: 'src/items/export/csv.ts',
    tests: ['items/export/export: RFC|escapes', 'items/export/round-trip'],
    mistakes: [
      {
        what: 'a part after a semicolon is run as a formula',
        before: '(?<=^|[;\\t\\r\\n])',
        after: '(?<=^|[\\t\\r\\n])',
      },
      {
        what: 'a formula after a no-break space is run',
        before: '(?:[ \\v\\f"]|\\xc2\\xa0)*',
        after: '(?:[ \\v\\f"])*',
      },
    ],
  },
  {
    file: 'src/items/export/export.ts',
    tests: ['items/export/export: escapes', 'items/list/search: filters'],
    mistakes: [
      {
        what: 'an export ignores its filters',
        before: '.where(whereFilters(query, me))',
        after: '',
        tests: ['items/list/search: filters'],
      },
    ],
  },
  {
    file: 'src/items/export/routes.ts',
    tests: ['items/export/export: RFC|gzipped|hostile', 'http/security-events: imports'],
    mistakes: [
      { what: 'caches give compressed files to all', before: 'varyByEncoding(reply)\n', after: '' },
      {
        what: 'an export that broke off is logged as complete',
        before: 'complete: count !== undefined',
        after: 'complete: true',
        tests: ['items/export/export: \\(identity\\)', 'http/security-events: imports'],
      },
    ],
    survivors: [
      {
        before: "if (request.method === 'HEAD') return reply.send(Readable.from([]))",
        after: 'if (false) return reply.send(Readable.from([]))',
        reason: 'Fastify destroys the body of a response to HEAD before it is read, and its query starts only then.',
      },
    ],
  },
  { file: 'src/items/export/schemas.ts', tests: ['items/export/export: escapes'], mistakes: [] },
]
