import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'

import { changesOf, sameNames } from '../../src/cli/import-report.ts'
import type { ImportReport } from '../../src/client/client.ts'
import { openApp } from '../support/app.ts'
import { call } from '../support/command.ts'
import { temporaryFolder } from '../support/service.ts'

const header = 'name,category,price_usd,in_stock\n'
const report: ImportReport = {
  mode: 'upsert',
  dry_run: true,
  created: 0,
  updated: 0,
  unchanged: 0,
  failed: 0,
  errors: [],
  errors_omitted: 0,
}

/** A service where Ada is signed in, and a folder to work in. */
async function openWorkplace(t: TestContext, env: Record<string, string> = {}) {
  const { app, signIn } = await openApp(t, env)
  const ada = await signIn('ada@example.com')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const folder = await temporaryFolder(t)
  const variables = { XDG_CONFIG_HOME: join(folder, '.config'), STOCKROOM_URL: url, STOCKROOM_TOKEN: ada.token }
  const go = (...args: string[]) => call(t, args, { env: variables, cwd: folder })
  const add = async (name: string): Promise<string> =>
    (await ada.post('/items', { name, category: 'Grocery', price_usd: 4.99, in_stock: true })).json().id
  const write = (name: string, content: string | Buffer) => writeFile(join(folder, name), content)
  return { ada, folder, go, add, write, read: (name: string) => readFile(join(folder, name), 'utf8') }
}

test('a dry run of upserts shows old and new values', async (t: TestContext) => {
  const { ada, go, add, write } = await openWorkplace(t)
  const tea = await add('Green tea')
  const soap = await add('Soap')
  const pen = await add('Pen')
  await write(
    'new.csv',
    `id,${header}${tea},Green tea,Grocery,5.49,false\n${soap},Bar soap,Household,4.99,true\n${pen},Pen,Grocery,4.99,yes\n,Pen,Pet,1,true\n`,
  )
  const dry = await go('import', 'new.csv', '--mode', 'upsert', '--dry-run')
  t.assert.deepStrictEqual([dry.code, dry.err], [0, ''])
  t.assert.deepStrictEqual(dry.out.split('\n'), [
    'new.csv:2: Green tea: price_usd 4.99 → 5.49, in_stock true → false',
    'new.csv:3: Soap: name "Soap" → "Bar soap", category "Grocery" → "Household"',
    'Created 1, updated 2, unchanged 1, failed 0. Dry run: nothing was written.',
    '1 new item has the same name as an item you own. To avoid duplicates, remove these rows, or add the IDs from an export and use --mode upsert.',
    '',
  ])
  const real = await go('import', 'new.csv', '--mode', 'upsert')
  t.assert.strictEqual(real.out, 'Created 1, updated 2, unchanged 1, failed 0.\n')
  t.assert.strictEqual((await ada.get(`/items/${tea}`)).json().price_usd, 5.49)
})

test('further changes are counted, and names cannot steer the terminal', (t: TestContext) => {
  const before = { name: 'a\u001B[31m', category: 'Pet', price_usd: 1, in_stock: true } as const
  const changes = Array.from({ length: 10 }, (_, at) => ({
    line: at + 2,
    id: 'x',
    before,
    after: { ...before, price_usd: 2 },
  }))
  const lines = changesOf({ ...report, updated: 1_010, changes }, 'x.csv')
  t.assert.deepStrictEqual(
    [lines[0], lines.at(-1)],
    ['x.csv:2: a\\u001b[31m: price_usd 1 → 2', '… and 1,000 more changes.'],
  )
  t.assert.deepStrictEqual(changesOf({ ...report, updated: 10, changes }, 'x.csv').length, 10)
  t.assert.deepStrictEqual(changesOf({ ...report, updated: 10 }, 'x.csv'), [])
  t.assert.match(sameNames({ ...report, same_name: 2_000 })[0] ?? '', /^2,000 new items have the same name/)
})

test('--column maps columns, and --charset declares the encoding', async (t: TestContext) => {
  const { ada, go, write, read } = await openWorkplace(t)
  const rows = ['Artikel;Gruppe;Preis;Lager', 'Grüner Tee;Grocery;4.99;ja', 'Möhre;Grocery;1.5;yes', ''].join('\r\n')
  await write('artikel.csv', Buffer.from(rows, 'latin1'))
  await write('utf16.csv', Buffer.from(rows, 'utf16le'))
  const columns = ['name=Artikel', 'category=Gruppe', 'price_usd=Preis', 'in_stock=Lager'].flatMap((each) => [
    '--column',
    each,
  ])
  const told = 'in_stock: "ja" is not a boolean: write true or false\n'
  for (const [file, charset] of [
    ['artikel.csv', 'windows-1252'],
    ['utf16.csv', 'utf-16'],
  ] as const) {
    const bad = file.replace('.', '-bad.')
    const imported = await go('import', file, ...columns, '--charset', charset, '--rejected', bad)
    t.assert.deepStrictEqual([imported.code, imported.err], [1, `${file}:2: ${told}`])
    t.assert.match(await read(bad), /^Artikel;Gruppe;Preis;Lager\nGr.+ner Tee;Grocery;4\.99;ja\n$/)
  }
  const names = Object.values<{ name: string }>((await ada.get('/items')).json()).map(({ name }) => name)
  t.assert.deepStrictEqual(names, ['Möhre', 'Möhre'])
})

test('errors of an import suggest the corrected command', async (t: TestContext) => {
  const { go, folder, write } = await openWorkplace(t)
  const german = 'Artikel;Preis\nTee;1\n'
  await write('german.csv', german)
  await write('latin1.csv', Buffer.from(`${header}Café,Pet,1,true\n`, 'latin1'))
  await write('utf16.csv', Buffer.from(header, 'utf16le'))
  await write('json.csv', '[{"name":"Tea"}]')
  await write('packed.csv', gzipSync(header))
  await write('workbook.csv', 'PK\u0003\u0004')
  await write('items.ndjson', '{}\n')
  await mkdir(join(folder, 'folder'))
  await mkdir(join(folder, 'Stock.numbers'))
  const cases: [args: string[], code: number, said: RegExp][] = [
    [['german.csv'], 1, /rename those of the file, or map them, as in --column price_usd=Preis\n/],
    [['latin1.csv'], 1, /:2: is not UTF-8: .*, or name its charset, as in --charset windows-1252\n/],
    [['utf16.csv'], 1, /or send it with --charset utf-16le\n/],
    [['json.csv'], 1, /is JSON, not CSV: use --format ndjson, /],
    [['packed.csv'], 1, /is compressed: give it a name that ends in \.gz\n/],
    [['workbook.csv'], 1, /: save it as CSV UTF-8 first\n/],
    [['folder'], 1, /^folder is a directory\. Pass a CSV or NDJSON file\.\n$/],
    [['Stock.numbers'], 2, /^Stock\.numbers is a spreadsheet\. Save it as CSV UTF-8, and import that\.\n$/],
    [['missing.pdf'], 1, /^missing\.pdf: no such file or directory\.\n$/],
    [
      ['german.csv', '--column', 'Preis'],
      1,
      /^--column must be a column and its name in the file, as in price_usd=Preis\.\n$/,
    ],
    [
      ['german.csv', '--column', 'name=Artikel', '--column', 'name=Preis'],
      1,
      /^--column names name more than once\.\n$/,
    ],
    [['items.ndjson', '--column', 'name=Artikel'], 1, /^--column is for CSV only: remove it\.\n$/],
    [['german.csv', '--charset', 'ebcdic'], 2, /Allowed choices are utf-8, /],
  ]
  for (const [args, code, said] of cases) {
    const called = await go('import', ...args, '--dry-run')
    t.assert.strictEqual(called.code, code, called.err)
    t.assert.match(called.err, said)
    t.assert.doesNotMatch(called.err, /application\/|text\/csv|Content-|charset=/)
  }
  const exported = await go('export', 'items.xlsx')
  t.assert.deepStrictEqual(
    [exported.code, exported.err],
    [2, 'items.xlsx is a spreadsheet. Export to a .csv file with --safe spreadsheet, and open that.\n'],
  )
})

test('errors about versions name the options', async (t: TestContext) => {
  const { go, add } = await openWorkplace(t, { REQUIRE_IF_MATCH: 'true' })
  const tea = await add('Tea')
  const soap = await add('Soap')
  for (const args of [
    ['set', tea, '--price', '2'],
    ['rm', tea],
  ]) {
    const without = await go('items', ...args)
    t.assert.deepStrictEqual(
      [without.code, without.err],
      [1, 'The service requires --if-version. Show the version with: stockroom items get\n'],
    )
    const other = await go('items', ...args, '--if-version', '9')
    t.assert.deepStrictEqual(
      [other.code, other.err],
      [1, 'The item has changed since this version. Show it with: stockroom items get\n'],
    )
  }
  t.assert.strictEqual((await go('items', 'rm', tea, soap, '--if-version', '1')).code, 2)
  t.assert.strictEqual((await go('items', 'rm', tea, '--if-version', '1')).out, `Deleted ${tea}.\n`)
})

test('a file that is empty or has only a header is named so', async (t: TestContext) => {
  const { go, write } = await openWorkplace(t)
  await write('empty.csv', '')
  await write('empty.csv.gz', gzipSync(''))
  await write('header.csv', header)
  for (const file of ['empty.csv', 'empty.csv.gz']) {
    t.assert.deepStrictEqual(await go('import', file), {
      code: 1,
      out: '',
      err: `${file} is empty. Nothing was imported.\n`,
    })
  }
  t.assert.deepStrictEqual(await go('import', 'header.csv'), {
    code: 0,
    out: 'Created 0, updated 0, unchanged 0, failed 0.\nThe file has no rows below its header.\n',
    err: '',
  })
})
