import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'

import * as fc from 'fast-check'

import { onServer } from '../../support/app.ts'
import { names } from '../../support/arbitraries.ts'
import { hasCitus } from '../../support/citus.ts'
import { header, lines, openImporting, withId } from '../../support/imports.ts'

const nothing = { created: 0, updated: 0, unchanged: 0, failed: 0, errors: [], errors_omitted: 0 }
const done = { mode: 'create', dry_run: false, ...nothing }

test('CSV rows become items of the importer, in the order of the file', async (t: TestContext) => {
  const { upload, stock, contents, ada } = await openImporting(t)
  const { status, report } = await upload(
    lines(header, 'Tea,Grocery,4.99,true', 'Leash,Pet,1e1,FALSE', 'Pen,Stationery,0,True'),
  )
  t.assert.strictEqual(status, 200)
  t.assert.deepStrictEqual(report, { ...done, created: 3 })
  const items = await stock()
  t.assert.deepStrictEqual(await contents(), [
    { name: 'Tea', category: 'Grocery', price_usd: 4.99, in_stock: true },
    { name: 'Leash', category: 'Pet', price_usd: 10, in_stock: false },
    { name: 'Pen', category: 'Stationery', price_usd: 0, in_stock: true },
  ])
  const one = await ada.get(`/items/${items[0]?.id}`)
  t.assert.deepStrictEqual([one.json().store_manager_id, one.headers.etag], [ada.id, '"1"'])
})

test('an import of many rows lets PostgreSQL plan for them', async (t: TestContext) => {
  const { upload, context, server } = await openImporting(t)
  const { schema } = context.config.pool
  const estimate = hasCitus
    ? `select sum(result::int)::int as rows from run_command_on_shards('${schema}.items',
        $$select reltuples::int from pg_class where oid = '%s'::regclass$$)`
    : `select reltuples::int as rows from pg_class where oid = '${schema}.items'::regclass`
  await onServer(server, `analyze ${schema}.items`)
  await upload(lines(header, ...Array.from({ length: 10_000 }, (_, n) => `Item ${n},Pet,1,true`)))
  t.assert.deepStrictEqual((await onServer(server, estimate)).rows, [{ rows: 10_000 }])
})

test('many rows keep the order of the file, whatever the clock says', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  const many = Array.from({ length: 20_000 }, (_, n) => `Item ${n}`)
  const { report } = await upload(lines(header, ...many.map((name) => `${name},Pet,1,true`)))
  t.assert.strictEqual(report.created, 20_000)
  const found = await stock()
  t.assert.strictEqual(found.length, 20_000)
  t.assert.strictEqual(
    found.findIndex(({ name }, n) => name !== many[n]),
    -1,
  )
})

const understood = {
  'a byte order mark, CRLF and columns in another order and case': `\uFEFFIn_Stock, PRICE_USD ,Category,NAME\r\ntrue,1,Pet,"a,b"\r\n`,
  'semicolons, and no line end at the end': 'name;category;price_usd;in_stock\n"a,b";Pet;1;true',
  'a delimiter that the header has less often than commas':
    'name;category;price_usd;in_stock;a,b,c,d,e,f\na,b;Pet;1;true;',
  'tabs, blank lines and rows with nothing in them':
    'name\tcategory\tprice_usd\tin_stock\n\na,b\tPet\t1\ttrue\n\n\t\t\t\n \t\t\t \n',
  'lines that end with CR alone': 'name,category,price_usd,in_stock\r"a,b",Pet,1,true\r',
  'unknown columns, one without a name':
    'name,,category,price_usd,store_manager_id,in_stock,\n"a,b",x,Pet,1,me,true,\n',
  'a byte order mark and quotes around everything':
    '\uFEFF"name","category","price_usd","in_stock"\n"a,b","Pet","1","true"\n',
  'blanks around what is no text': 'name,category,price_usd,in_stock\n"a,b",Pet, 1 , true\n',
  'ids that are empty': 'id,name,category,price_usd,in_stock\n,"a,b",Pet,1,true\n',
  'unknown fields of JSON, blank lines and CRLF':
    '{"x":{"y":1},"store_manager_id":"me","name":"a,b","category":"Pet","price_usd":1,"in_stock":true}\r\n \r\n\n',
  'an id that is null': '{"id":null,"name":"a,b","category":"Pet","price_usd":1.0,"in_stock":true}',
}

test('quoting, line ends, and column order of a file may vary', async (t: TestContext) => {
  const { upload, contents, context } = await openImporting(t)
  for (const [what, file] of Object.entries(understood)) {
    const { status, report } = await upload(file)
    t.assert.deepStrictEqual([status, report], [200, { ...done, created: 1 }], what)
    t.assert.deepStrictEqual(await contents(), [{ name: 'a,b', category: 'Pet', price_usd: 1, in_stock: true }], what)
    await context.db.deleteFrom('items').execute()
  }
})

test('a file without rows imports nothing', async (t: TestContext) => {
  const { upload, ada } = await openImporting(t)
  t.assert.deepStrictEqual(await upload(lines(header)), { status: 200, report: done })
  const answer = await ada.post('/items/import', '\n', { 'content-type': 'application/x-ndjson' })
  t.assert.deepStrictEqual([answer.statusCode, answer.json()], [200, done])
})

test('bad rows are reported by line and column, and nothing is written', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  const { status, report } = await upload(
    lines(
      header,
      '"a good one,',
      'on two lines",Pet,1,true',
      `${'x'.repeat(65)},Pets,-1,maybe`,
      ',Pet,"4,99",true',
      'a,Pet,1.234e400,true',
      'a,Pet,12345678901234567890,',
      'a,Pet,.5,1',
      'a,Pet,+1,true',
      'a,Pet,,true',
      'a,Pet,1',
      'a,Pet,1,true,x',
      'a\0,Pet,1,true',
      '"three\r\nlines\rand\n\nanother, good",Pet,1,true\r',
      'a,Pet,x,true\r',
    ),
  )
  t.assert.strictEqual(status, 422)
  t.assert.strictEqual(report.code, 'import_failed')
  t.assert.strictEqual(
    report.detail,
    'Nothing was imported: 11 invalid rows, first on line 4 (name must have at most 64 characters).',
  )
  const lossy = 'must be exactly representable as a 64-bit float'
  t.assert.deepStrictEqual(
    report.errors.map(({ line, column, msg }) => [line, column, msg]),
    [
      [4, 'name', 'must have at most 64 characters'],
      [4, 'category', '"Pets" is not a category: did you mean "Pet"?'],
      [4, 'price_usd', 'must be at least 0'],
      [4, 'in_stock', '"maybe" is not a boolean: write true or false'],
      [5, 'name', 'must have at least 1 character'],
      [5, 'price_usd', '"4,99" is not a number: write 4.99'],
      [6, 'price_usd', lossy],
      [7, 'price_usd', lossy],
      [7, 'in_stock', 'is empty: write true or false'],
      [8, 'price_usd', '".5" is not a number: write 0.5'],
      [9, 'price_usd', '"+1" is not a number: write 1'],
      [10, 'price_usd', 'is empty: write a price such as 4.99'],
      [11, 'in_stock', 'is empty: write true or false'],
      [12, null, 'has 5 fields for 4 columns: quote fields that contain the delimiter'],
      [13, 'name', 'must contain a visible character, and neither NUL nor a lone surrogate'],
      [19, 'price_usd', '"x" is not a number: write a price such as 4.99'],
    ],
  )
  const { created, updated, unchanged, failed, errors_omitted } = report
  t.assert.deepStrictEqual([created, updated, unchanged, failed, errors_omitted], [0, 0, 0, 11, 0])
  t.assert.deepStrictEqual(await stock(), [])
})

test('bad lines of NDJSON are reported like rows of CSV', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  const { status, report } = await upload(
    lines(
      '{"name":"a","category":"Pet","price_usd":1,"in_stock":true}',
      '',
      '{"name":null,"price_usd":"1","in_stock":0,"id":"x"}',
      '[]',
      '{"name":"a"',
      '{"name":"\\ud800","category":"Pet","price_usd":1e400,"in_stock":true}',
    ),
  )
  t.assert.strictEqual(status, 422)
  t.assert.deepStrictEqual(
    report.errors.map(({ line, column, msg }) => [line, column, msg]),
    [
      [3, 'category', 'is required'],
      [3, 'id', 'must be a UUID such as 0190a6f2-7c1e-7b3a-9d5e-2f1c8e4b6a70'],
      [3, 'name', 'must be a string'],
      [3, 'price_usd', 'must be a number'],
      [3, 'in_stock', 'must be true or false'],
      [4, null, 'must be an object'],
      [5, null, 'is not a JSON object: write one object per line'],
      [6, 'name', 'must contain a visible character, and neither NUL nor a lone surrogate'],
      [6, 'price_usd', 'must be exactly representable as a 64-bit float'],
    ],
  )
  t.assert.deepStrictEqual([report.failed, await stock()], [4, []])
})

const notUtf8 = 'is not UTF-8: save the file as UTF-8, or name its charset, as in text/csv; charset=windows-1252'

const unreadable = [
  [
    'without some columns',
    'name,cost\nx,1\n',
    ['category', 'price_usd', 'in_stock'].map((column) => [
      1,
      column,
      'is required as a column: if it is "cost", rename that',
    ]),
  ],
  ['with a column twice', `${header},Name\n`, [[1, 'name', 'is a duplicate column: rename one']]],
  [
    'whose quote is never closed',
    `${header}\nx,Pet,1,true\n\n"y,Pet,1,true\n`,
    [[4, null, 'has a quote that is never closed']],
  ],
  [
    'with text after a quote',
    `${header}\n"x\r\n"y,Pet,1,true\n`,
    [[2, null, 'has text after a quote that closes a field: a quote within a field has to be doubled']],
  ],
  [
    'with a quote in the middle',
    `${header}\nx,Pet,1,true\nx"y,Pet,1,true\n`,
    [[3, null, 'has a quote within a field that has none around it: put quotes around it, and double this one']],
  ],
  [
    'with a row without end',
    `${header}\n"${'x\n'.repeat(40_000)}",Pet,1,true\n`,
    [[2, null, 'is longer than 64 KiB: there may be a quote that is never closed']],
  ],
  [
    'with a header without end',
    'x'.repeat(200_000),
    [[1, null, 'is longer than 64 KiB: there may be a quote that is never closed']],
  ],
  ['with a line of JSON without end', `{}\n{"name":"${'x'.repeat(70_000)}"}\n`, [[2, null, 'is longer than 64 KiB']]],
  [
    'that is not UTF-8',
    Buffer.from(`${header}\nTea,Pet,1,true\n\nCaf\xe9,Pet,1,true\nx,Pet,1,true\n`, 'latin1'),
    [[4, null, notUtf8]],
  ],
  ['that ends within a character', Buffer.from(`${header}\nTea,Pet,1,true\nx\xf0\x9f`, 'latin1'), [[3, null, notUtf8]]],
  [
    'in UTF-16 without a mark',
    Buffer.from(`${header}\n`, 'utf16le'),
    [
      [
        1,
        null,
        'is UTF-16 without a byte order mark, or binary: save the file as UTF-8, or send it with charset=utf-16le',
      ],
    ],
  ],
  [
    'that is a workbook',
    'PK\u0003\u0004xyz',
    [[1, null, 'is a spreadsheet workbook or a ZIP file: save it as CSV UTF-8 first']],
  ],
  [
    'that has nothing but blank lines',
    '\n \n',
    [[1, null, 'is empty: the first line must name the columns name, category, price_usd, in_stock']],
  ],
] as const

test('an unreadable file is refused as a whole despite on_error=skip', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  for (const [what, file, errors] of unreadable) {
    const { status, report } = await upload(file, '?on_error=skip')
    t.assert.deepStrictEqual([status, report.code], [422, 'import_failed'], what)
    const told = report.errors.map(({ line, column, msg }) => [line, column, msg])
    for (const error of errors)
      t.assert.ok(
        told.some((each) => isDeepStrictEqual(each, error)),
        what,
      )
  }
  t.assert.deepStrictEqual(await stock(), [])
})

test('the rows after a broken quote are reported as well', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  const good = 'g,Pet,1,true'
  const afterQuote = 'has text after a quote that closes a field: a quote within a field has to be doubled'
  const cases: [what: string, rows: string[], told: [number, string][]][] = [
    [
      'a quote within a field',
      ['a"b,Pet,1,true', 'c,Pet,x,true', good],
      [
        [2, 'csv_invalid'],
        [3, 'float_type'],
      ],
    ],
    [
      'text after a quote',
      [good, '"a"b,Pet,1,true', 'c,Pet,x,true'],
      [
        [3, 'csv_invalid'],
        [4, 'float_type'],
      ],
    ],
    [
      'a quote that is never closed',
      ['"a,Pet,1,true', 'c,Pet,x,true', 'd,Cat,1,true'],
      [
        [2, 'csv_invalid'],
        [3, 'float_type'],
        [4, 'enum'],
      ],
    ],
    [
      'one that swallows a row',
      ['"a,Pet,1,true', 'c,Pet,x,true', '"d",Pet,y,true'],
      [
        [2, 'csv_invalid'],
        [3, 'float_type'],
        [4, 'float_type'],
      ],
    ],
    [
      'one that swallows 100 KiB',
      ['"a,Pet,1,true', ...Array<string>(8_000).fill(good), 'c,Pet,x,true'],
      [
        [2, 'csv_invalid'],
        [8_003, 'float_type'],
      ],
    ],
    [
      'a line of 100 KiB',
      ['x'.repeat(100_000), 'c,Pet,x,true'],
      [
        [2, 'csv_invalid'],
        [3, 'float_type'],
      ],
    ],
  ]
  for (const [what, rows, told] of cases) {
    for (const query of ['?on_error=skip', '']) {
      const { status, report } = await upload(lines(header, ...rows), query)
      t.assert.deepStrictEqual([status, report.failed], [422, told.length], what)
      t.assert.deepStrictEqual(
        report.errors.map(({ line, type }) => [line, type]),
        told,
        what,
      )
    }
  }
  const { report } = await upload(lines(header, ...Array<string>(1_500).fill('"a"b,Pet,1,true')))
  t.assert.deepStrictEqual([report.failed, report.errors.length, report.errors_omitted], [1_500, 1_000, 500])
  t.assert.strictEqual(report.errors[999]?.msg, afterQuote)
  t.assert.deepStrictEqual(await stock(), [])
})

test('on_error=skip writes the good rows and names the bad ones', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  const { status, report } = await upload(
    lines(header, 'a,Pet,1,true', 'b,Pet,x,true', 'c,Pet,1,true'),
    '?on_error=skip',
  )
  t.assert.strictEqual(status, 200)
  const errors = [
    { line: 3, column: 'price_usd', type: 'float_type', msg: '"x" is not a number: write a price such as 4.99' },
  ]
  t.assert.deepStrictEqual(report, { ...done, created: 2, failed: 1, errors })
  t.assert.deepStrictEqual(
    (await stock()).map(({ name }) => name),
    ['a', 'c'],
  )
})

test('the first 1,000 errors are listed and the rest counted', async (t: TestContext) => {
  const { upload } = await openImporting(t)
  const { report } = await upload(lines(header, ...Array.from({ length: 6_000 }, () => 'a,Pet,x,y')))
  t.assert.deepStrictEqual([report.failed, report.errors.length, report.errors_omitted], [6_000, 1_000, 11_000])
  t.assert.deepStrictEqual([report.errors[0]?.line, report.errors[999]?.line], [2, 501])
  const id = randomUUID()
  const mixed = Array.from({ length: 3_000 }, (_, n) => (n % 2 ? `${id},a,Pet,1,true` : ',a,Pet,x,true'))
  const { report: both } = await upload(lines(withId, ...mixed), '?on_error=skip')
  t.assert.deepStrictEqual(
    [both.created, both.failed, both.errors.length, both.errors_omitted],
    [1, 2_999, 1_000, 1_999],
  )
  t.assert.deepStrictEqual(
    both.errors.slice(0, 4).map(({ line, type }) => [line, type]),
    [
      [2, 'float_type'],
      [4, 'float_type'],
      [5, 'duplicate_id'],
      [6, 'float_type'],
    ],
  )
})

test('a given ID is used unless it exists or the file repeats it', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  const first = randomUUID()
  const second = randomUUID()
  t.assert.deepStrictEqual(await upload(lines(withId, `${first.toUpperCase()},a,Pet,1,true`)), {
    status: 200,
    report: { ...done, created: 1 },
  })
  const again = lines(
    withId,
    `${second},b,Pet,1,true`,
    `${first},c,Pet,1,true`,
    `${second},d,Pet,1,true`,
    ',e,Pet,1,true',
  )
  const errors = [
    { line: 3, column: 'id', type: 'id_exists', msg: 'already exists: use mode=upsert to update it' },
    { line: 4, column: 'id', type: 'duplicate_id', msg: 'duplicates line 2: remove one of them' },
  ]
  const stopped = await upload(again)
  t.assert.deepStrictEqual([stopped.status, stopped.report.failed, stopped.report.errors], [422, 2, errors])
  t.assert.strictEqual((await stock()).length, 1)
  const skipped = await upload(again, '?on_error=skip')
  t.assert.deepStrictEqual(skipped, { status: 200, report: { ...done, created: 2, failed: 2, errors } })
  t.assert.deepStrictEqual((await stock()).map(({ name }) => name).toSorted(), ['a', 'b', 'e'])
})

test('mode=upsert creates, updates, and skips unchanged items', async (t: TestContext) => {
  const { upload, stock, ada } = await openImporting(t)
  await upload(lines(header, 'a,Pet,1,true', 'b,Pet,2.50,true'))
  const [one, two] = (await stock()).map(({ id }) => id)
  const other = randomUUID()
  const rows = [`${one},a,Pet,1,false`, `${two},b,Pet,2.5,TRUE`, `${other},c,Pet,3,true`, ',d,Pet,4,true']
  const counts = { mode: 'upsert', created: 2, updated: 1, unchanged: 1 }
  const dry = await upload(lines(withId, ...rows), '?mode=upsert&dry_run=true')
  const before = { name: 'a', category: 'Pet', price_usd: 1, in_stock: true }
  const after = { ...before, in_stock: false }
  const told = { dry_run: true, same_name: 0, changes: [{ line: 2, id: one, before, after }] }
  t.assert.deepStrictEqual(dry, { status: 200, report: { ...done, ...counts, ...told } })
  t.assert.strictEqual((await stock()).length, 2)
  const real = await upload(lines(withId, ...rows), '?mode=upsert')
  t.assert.deepStrictEqual(real, { status: 200, report: { ...done, ...counts } })
  const etags = await Promise.all([one, two, other].map(async (id) => (await ada.get(`/items/${id}`)).headers.etag))
  t.assert.deepStrictEqual(etags, ['"2"', '"1"', '"1"'])
  t.assert.strictEqual((await ada.get(`/items/${one}`)).json().in_stock, false)
  const same = { mode: 'upsert', created: 0, updated: 0, unchanged: 3 }
  const again = await upload(lines(withId, ...rows.slice(0, 3)), '?mode=upsert')
  t.assert.deepStrictEqual(again, { status: 200, report: { ...done, ...same } })
})

test('upserting an item of another manager needs ITEM_WRITES=shared', async (t: TestContext) => {
  for (const writes of ['owner', 'shared']) {
    const { upload, stock, ada, bob } = await openImporting(t, { ITEM_WRITES: writes })
    await upload(lines(header, 'a,Pet,1,true'))
    const [{ id } = { id: '' }] = await stock()
    const rows = lines(withId, ',b,Pet,1,true', `${id},c,Pet,1,true`)
    const { status, report } = await upload(rows, '?mode=upsert', bob)
    const { name, store_manager_id: owner } = (await ada.get(`/items/${id}`)).json()
    if (writes === 'owner') {
      t.assert.deepStrictEqual([status, report.failed, name, owner], [422, 1, 'a', ada.id])
      const msg = 'belongs to another manager: remove the row'
      t.assert.deepStrictEqual(report.errors, [{ line: 3, column: 'id', type: 'not_owner', msg }])
    } else t.assert.deepStrictEqual([status, report.updated, report.created, name, owner], [200, 1, 1, 'c', ada.id])
  }
})

test('a dry run reports what would happen and writes nothing', async (t: TestContext) => {
  const { upload, stock } = await openImporting(t)
  const good = await upload(lines(header, 'a,Pet,1,true'), '?dry_run=true')
  t.assert.deepStrictEqual(good, { status: 200, report: { ...done, dry_run: true, created: 1, same_name: 0 } })
  const bad = await upload(lines(header, 'a,Pet,1,true', 'b,Pet,x,true'), '?dry_run=true')
  t.assert.deepStrictEqual([bad.status, bad.report.dry_run, bad.report.failed], [422, true, 1])
  const skipped = await upload(lines(header, 'a,Pet,1,true', 'b,Pet,x,true'), '?dry_run=true&on_error=skip')
  t.assert.deepStrictEqual([skipped.status, skipped.report.created, skipped.report.failed], [200, 1, 1])
  t.assert.deepStrictEqual(await stock(), [])
})

test('requests that are no import are refused as elsewhere', async (t: TestContext) => {
  const { ada, upload, app } = await openImporting(t)
  const query = await upload('', '?mode=replace&on_error=ignore&dry_run=maybe')
  t.assert.deepStrictEqual([query.status, query.report.code], [422, 'invalid_request'])
  t.assert.strictEqual(query.report.errors.length, 3)
  for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x']) {
    const answer = await ada.post('/items/import', '{}', { 'content-type': type })
    t.assert.deepStrictEqual([answer.statusCode, answer.json().code], [415, 'unsupported_media_type'])
  }
  const typed = await ada.post('/items/import', lines(header), {
    'content-type': 'Text/CSV; charset=utf-8; header=present',
  })
  t.assert.strictEqual(typed.statusCode, 200)
  const unauthenticated = await app.inject({ method: 'POST', url: '/items/import', payload: lines(header) })
  t.assert.deepStrictEqual([unauthenticated.statusCode, unauthenticated.json().code], [401, 'missing_token'])
})

test('hostile names and prices survive CSV and NDJSON exactly', async (t: TestContext) => {
  const { upload, contents, context } = await openImporting(t)
  const price = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
  const items = fc.array(fc.record({ name: names, price_usd: price }), { minLength: 1, maxLength: 8 })
  const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

  const runs = Math.ceil(Number(process.env['PROPERTY_RUNS'] ?? 120) / 4)
  await fc.assert(
    fc.asyncProperty(items, async (given) => {
      const whole = given.map((item) => ({ ...item, category: 'Pet', in_stock: true }))
      const csv = [header, ...given.map(({ name: each, price_usd: of }) => `${quoted(each)},Pet,${of},true`), ''].join(
        '\r\n',
      )
      const ndjson = lines(...whole.map((item) => JSON.stringify(item)))
      for (const file of [csv, ndjson]) {
        await context.db.deleteFrom('items').execute()
        t.assert.strictEqual((await upload(file)).status, 200)
        t.assert.deepStrictEqual(
          await contents(),
          whole.map(({ name: n, category, price_usd, in_stock }) => ({ name: n, category, price_usd, in_stock })),
        )
      }
    }),
    { numRuns: runs },
  )
})
