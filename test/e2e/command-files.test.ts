import { execFileSync } from 'node:child_process'
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'

import { reasons } from '../../src/cli/import-report.ts'
import { openRejected } from '../../src/cli/rejected.ts'
import { openApp } from '../support/app.ts'
import { call } from '../support/command.ts'
import { temporaryFolder } from '../support/service.ts'

const counts = { mode: 'create', dry_run: false, created: 0, updated: 0, unchanged: 0, failed: 1 } as const
const header = 'name,category,price_usd,in_stock\n'

/** A service with two items of Ada, who is signed in, and a folder to work in. */
async function openWorkplace(t: TestContext) {
  const { app, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const folder = await temporaryFolder(t)
  const env = { XDG_CONFIG_HOME: join(folder, '.config'), STOCKROOM_URL: url, STOCKROOM_TOKEN: ada.token }
  for (const name of ['Tea\r\n"green"', 'Soap']) {
    await ada.post('/items', { name, category: 'Grocery', price_usd: 4.99, in_stock: true })
  }
  const go = (...args: string[]) => call(t, args, { env, cwd: folder })
  return { ada, folder, go, at: (name: string) => join(folder, name) }
}

test('an export replaces only a file that an export wrote', async (t: TestContext) => {
  const { at, go, folder } = await openWorkplace(t)
  t.assert.deepStrictEqual(await go('export', 'items.csv'), {
    code: 0,
    out: 'Exported 2 items to items.csv.\n',
    err: '',
  })
  t.assert.strictEqual((await go('export', './items.csv')).code, 0)
  const edited = 'mine\n'
  await writeFile(at('items.csv'), edited)
  await writeFile(at('other.csv'), edited)
  const said =
    /^\S+ has changed since the last export\. Choose another file, or overwrite the changes with --force\.\n$/
  for (const file of ['items.csv', at('items.csv'), 'other.csv']) {
    const refused = await go('export', file)
    t.assert.deepStrictEqual([refused.code, refused.out], [1, ''])
    t.assert.match(refused.err, said)
  }
  t.assert.strictEqual(await readFile(at('items.csv'), 'utf8'), edited)
  t.assert.deepStrictEqual((await readdir(folder)).toSorted(), ['.config', 'items.csv', 'other.csv'])
  t.assert.strictEqual((await go('export', 'items.csv', '--force')).code, 0)
  const { size } = await stat(at('items.csv'))
  t.assert.ok(size > edited.length)
  // As long as before, and another.
  await utimes(at('items.csv'), 1, 1)
  t.assert.strictEqual((await go('export', 'items.csv')).code, 1)
})

test('an export keeps the mode of the file that it replaces', async (t: TestContext) => {
  const { at, go } = await openWorkplace(t)
  await writeFile(at('private.csv'), '')
  for (const mode of [0o600, 0o640, 0o664]) {
    await chmod(at('private.csv'), mode)
    t.assert.strictEqual((await go('export', 'private.csv', '--force')).code, 0)
    t.assert.strictEqual((await stat(at('private.csv'))).mode & 0o777, mode)
  }
})

test('an export over a link replaces its target and keeps the link', async (t: TestContext) => {
  const { at, go, folder } = await openWorkplace(t)
  await mkdir(at('real'))
  await writeFile(at('real/items.csv'), '')
  await symlink('real/items.csv', at('link.csv'))
  await symlink('link.csv', at('second.csv'))
  await symlink('nowhere.csv', at('dangling.csv'))
  await symlink('real', at('folder'))
  t.assert.strictEqual((await go('export', 'second.csv')).code, 1, 'that file was not exported')
  t.assert.strictEqual((await go('export', 'second.csv', '--force')).code, 0)
  t.assert.match(await readFile(at('real/items.csv'), 'utf8'), /^id,name,/)
  t.assert.ok((await lstat(at('second.csv'))).isSymbolicLink() && (await lstat(at('link.csv'))).isSymbolicLink())
  // It is the same file by another name.
  t.assert.strictEqual((await go('export', 'folder/items.csv')).code, 0)
  const dangling = await go('export', 'dangling.csv', '--force')
  t.assert.deepStrictEqual(
    [dangling.code, dangling.err],
    [1, 'dangling.csv is a broken symbolic link. Delete it, or choose another file.\n'],
  )
  t.assert.deepStrictEqual(await readdir(at('real')), ['items.csv'])
  t.assert.ok(!(await readdir(folder)).includes('nowhere.csv'))
})

test('errors with files quote the path as it was given', async (t: TestContext) => {
  const { at, go } = await openWorkplace(t)
  await mkdir(at('dir.csv.gz'))
  await writeFile(at('broken.csv.gz'), gzipSync(header.repeat(5_000)).subarray(0, 60))
  await writeFile(at('plain.csv.gz'), header)
  const cases: [args: string[], said: string][] = [
    [['import', 'dir.csv.gz'], 'dir.csv.gz is a directory. Pass a CSV or NDJSON file.\n'],
    [['import', 'broken.csv.gz'], 'broken.csv.gz is not a complete gzip file. Nothing was imported.\n'],
    [['import', 'plain.csv.gz'], 'plain.csv.gz is not a complete gzip file. Nothing was imported.\n'],
    [['import', 'none/x.csv'], 'none/x.csv: no such file or directory.\n'],
    [['export', 'none/x.csv'], 'none/x.csv: no such file or directory.\n'],
    [['export', 'dir.csv.gz'], 'dir.csv.gz: it is a directory.\n'],
    [['import', 'plain.csv.gz', '--rejected', 'none/x.csv'], 'none/x.csv: no such file or directory.\n'],
  ]
  const called = await Promise.all(cases.map(([args]) => go(...args)))
  t.assert.deepStrictEqual(
    called,
    cases.map(([, err]) => ({ code: 1, out: '', err })),
  )
})

test('file extensions are recognized in any case', async (t: TestContext) => {
  const { at, go } = await openWorkplace(t)
  t.assert.strictEqual((await go('export', 'ALL.CSV.GZ')).code, 0)
  t.assert.match(gunzipSync(await readFile(at('ALL.CSV.GZ'))).toString(), /^id,name,/)
  await writeFile(at('A.CSV'), `${header}A,Pet,1,true\n`)
  await writeFile(at('b.txt'), `${header}B,Pet,1,true\n`)
  await writeFile(at('c.TSV'), `${header}C,Pet,1,true\n`.replaceAll(',', '\t'))
  await writeFile(at('d.NdJson.gZ'), gzipSync('{"name":"D","category":"Pet","price_usd":1,"in_stock":true}\n'))
  for (const name of ['A.CSV', 'b.txt', 'c.TSV', 'd.NdJson.gZ']) {
    const { code, out, err } = await go('import', name)
    t.assert.deepStrictEqual([code, out], [0, 'Created 1, updated 0, unchanged 0, failed 0.\n'], err)
  }
})

test('a named pipe is read once', async (t: TestContext) => {
  const { folder, go } = await openWorkplace(t)
  execFileSync('mkfifo', ['pipe.csv'], { cwd: folder })
  const writing = writeFile(join(folder, 'pipe.csv'), `${header}A,Pet,1,true\n`)
  t.assert.strictEqual((await go('import', 'pipe.csv')).out, 'Created 1, updated 0, unchanged 0, failed 0.\n')
  await writing
})

test('--rejected imports the good rows and writes the bad ones to a file', async (t: TestContext) => {
  const { ada, at, go } = await openWorkplace(t)
  const rows = [
    'Good,Grocery,1,true',
    '"Bad, it',
    'said ""no""",Toys,1,true',
    'Good too,Pet,2,true',
    'Bad,Pet,x,true',
    '"Good',
    'Bad",Pet,3,true',
  ]
  await writeFile(at('new.csv'), `\uFEFF${header}${rows.join('\r\n')}\r\n`)
  const first = await go('import', 'new.csv', '--rejected', 'bad.csv')
  t.assert.deepStrictEqual([first.code, first.out], [1, 'Created 3, updated 0, unchanged 0, failed 2.\n'], first.err)
  t.assert.strictEqual(await readFile(at('bad.csv'), 'utf8'), `\uFEFF${header}${rows[1]}\n${rows[2]}\n${rows[4]}\n`)
  const again = await go('import', 'new.csv', '--rejected', 'bad.csv')
  t.assert.deepStrictEqual([again.code, again.err], [1, 'bad.csv exists. Delete it, or choose another file.\n'])
  await writeFile(at('bad.csv'), (await readFile(at('bad.csv'), 'utf8')).replace('Toys', 'Pet').replace(',x,', ',4,'))
  const fixed = await go('import', 'bad.csv', '--rejected', 'worse.csv')
  t.assert.deepStrictEqual([fixed.code, fixed.out], [0, 'Created 2, updated 0, unchanged 0, failed 0.\n'])
  await t.assert.rejects(stat(at('worse.csv')), { code: 'ENOENT' })
  t.assert.strictEqual(Object.keys((await ada.get('/items')).json()).length, 2 + 5)

  await writeFile(
    at('new.ndjson.gz'),
    gzipSync('{"name":"D","category":"Pet","price_usd":1,"in_stock":true}\n{"name":7}\n'),
  )
  await go('import', 'new.ndjson.gz', '--rejected', 'bad.ndjson', '--dry-run')
  t.assert.strictEqual(await readFile(at('bad.ndjson'), 'utf8'), '{"name":7}\n')

  await writeFile(at('many.csv'), `${header}Good,Pet,1,true\n${'Bad,Pet,x,true\n'.repeat(1_500)}`)
  const many = await go('import', 'many.csv', '--rejected', 'few.csv')
  t.assert.deepStrictEqual([many.code, many.out], [1, ''])
  t.assert.match(
    many.err,
    /^many\.csv: lines 3, 4, 5 and 997 more: price_usd: .*\n… and 500 more\.\n1,500 invalid rows are too many .*\n$/,
  )
  await t.assert.rejects(stat(at('few.csv')), { code: 'ENOENT' })
  t.assert.strictEqual(Object.keys((await ada.get('/items')).json()).length, 2 + 5)
})

test('rejected TSV rows keep quotes, and line breaks in quotes', async (t: TestContext) => {
  const { at, go } = await openWorkplace(t)
  const rows = [
    '"Tea\tPet\tx\ttrue',
    'Good\tPet\t1\ttrue',
    '"Tea\n""loose"" pack"\tPet\ty\ttrue',
    '"Good\ntoo"\tPet\t2\ttrue',
    'Pipe\tPet\tz\t"5',
    'Good\tPet\t3\ttrue',
  ]
  const columns = header.replaceAll(',', '\t')
  await writeFile(at('new.tsv'), columns + rows.map((row) => `${row}\n`).join(''))
  const { out, err } = await go('import', 'new.tsv', '--rejected', 'bad.tsv')
  t.assert.strictEqual(out, 'Created 3, updated 0, unchanged 0, failed 3.\n', err)
  t.assert.strictEqual(await readFile(at('bad.tsv'), 'utf8'), `${columns}${rows[0]}\n${rows[2]}\n${rows[4]}\n`)
})

test('rejected rows of a UTF-16 file are written in UTF-8', async (t: TestContext) => {
  const file = join(await temporaryFolder(t), 'bad.csv')
  const rejected = await openRejected(file)
  const bytes = Buffer.from(`\uFEFF${header}Gut,Pet,1,true\r\nKöln,Pet,x,true\r\n`, 'utf16le')
  const errors = [{ line: 3, column: 'price_usd', type: 'x', msg: 'is no number' }]
  await rejected.write({ ...counts, errors, errors_omitted: 0 }, () => new Blob([bytes]).stream(), { format: 'csv' })
  await rejected.close()
  t.assert.strictEqual(await readFile(file, 'utf8'), `${header}Köln,Pet,x,true\n`)
})

test('a file that cannot be read leaves no rejected rows', async (t: TestContext) => {
  const { at, go } = await openWorkplace(t)
  await writeFile(at('new.csv'), 'nothing,of,this\n1,2,3\n')
  const { code, out } = await go('import', 'new.csv', '--rejected', 'bad.csv')
  t.assert.deepStrictEqual([code, out.endsWith(' Nothing was written.\n')], [1, true], out)
  await t.assert.rejects(stat(at('bad.csv')), { code: 'ENOENT' })
})

test('equal import errors are one line, with parameters as options', (t: TestContext) => {
  const error = (line: number, column: string | null, msg: string) => ({ line, column, type: 'x', msg })
  const errors = [
    error(2, 'id', 'exists: use mode=upsert'),
    ...[3, 4].map((line) => error(line, 'name', 'is missing')),
    ...[5, 6, 7].map((line) => error(line, null, 'is bad')),
    ...Array.from({ length: 500 }, (_, at) => error(8 + at, 'price_usd', 'is no number')),
  ]
  t.assert.deepStrictEqual(reasons({ ...counts, errors, errors_omitted: 1_500 }, 'a.csv'), [
    'a.csv:2: id: exists: use --mode upsert',
    'a.csv: lines 3 and 4: name: is missing',
    'a.csv: lines 5, 6 and 7: is bad',
    'a.csv: lines 8, 9, 10 and 497 more: price_usd: is no number',
    '… and 1,500 more.',
  ])
  const each = Array.from({ length: 100 }, (_, at) => error(at + 2, 'price_usd', `"${at}x" is no number`))
  const lines = reasons({ ...counts, errors: each, errors_omitted: 0 }, 'a.csv')
  t.assert.deepStrictEqual([lines.length, lines.at(-1)], [26, '… and 75 more.'])
})
