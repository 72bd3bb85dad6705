import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync } from 'node:fs'
import { test, type TestContext } from 'node:test'

import { openSpool } from '../../../src/items/import/spool.ts'
import { withoutMounts } from '../../faults/small-disk.ts'
import { header, lines } from '../../support/imports.ts'
import { temporaryFolder } from '../../support/service.ts'
import { responseOf, begin, chunk, manyRows, openListening, rows, spools } from '../../support/slow-imports.ts'
import { until } from '../../support/until.ts'

test('a spool returns what was written in short pieces of whole lines', async (t: TestContext) => {
  for (const pieces of [3, 40, 400]) {
    const written = Array.from({ length: pieces }, (_, n) => `${n}\t${'€😀é'.repeat(n % 2_000)}\n`.repeat(9))
    await using spool = openSpool((error) => t.assert.ifError(error))
    for (const piece of written) await spool.write(piece)
    const read = await Array.fromAsync(spool.read())
    t.assert.strictEqual(read.join('') === written.join(''), true)
    t.assert.ok(read.every((piece) => piece.endsWith('\n') && piece.length < 64 * 1024))
  }
  // Without waiting: garbage collection would close a file that was left open.
  t.assert.deepStrictEqual(spools(), [])
})

test('an import leaves no file behind, even if the process is killed', async (t: TestContext) => {
  const folder = await useTemporaryFolder(t)
  const app = await openListening(t)
  const socket = await begin(t, app, {})
  socket.write(chunk(rows(manyRows)))
  await until(async () => spools().length === 1)
  t.assert.deepStrictEqual(readdirSync(folder), [])
  socket.destroy()
  await until(async () => spools().length === 0)
})

test('without a temporary folder small imports work and others get 503', async (t: TestContext) => {
  const folder = await useTemporaryFolder(t)
  const app = await openListening(t)
  chmodSync(folder, 0o500)
  process.env['TMPDIR'] = process.getuid?.() === 0 ? `${folder}/none` : folder
  t.assert.strictEqual((await app.upload(rows(100))).status, 200)
  const { status, report } = await app.upload(rows(manyRows))
  t.assert.deepStrictEqual([status, report.code], [503, 'store_unavailable'])
  t.assert.match(String(report.detail), /The temporary folder of the service is full or not writable/)
  t.assert.match(app.log.join(''), /"level":50.*"msg":"temporary folder is not usable/)
  t.assert.strictEqual((await app.stock()).length, 100)
})

test('with a full temporary folder imports get 503', { skip: withoutMounts }, async (t: TestContext) => {
  const folder: string = await useTemporaryFolder(t, () => void execFileSync('umount', ['-l', folder]))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1200k', 'stockroom', folder])
  const app = await openListening(t)
  const { status, report } = await app.upload(rows(manyRows))
  t.assert.deepStrictEqual([status, report.code], [503, 'store_unavailable'])
  t.assert.deepStrictEqual([spools(), await app.stock()], [[], []])
  t.assert.strictEqual((await app.upload(lines(header, 'a,Pet,1,true'))).status, 200)
})

test('items without an ID get theirs when the file has arrived', async (t: TestContext) => {
  const app = await openListening(t)
  const socket = await begin(t, app, {})
  socket.write(chunk(rows(manyRows)))
  await until(async () => spools().length === 1)
  const other = await app.ada.post('/items', { name: 'x', category: 'Pet', price_usd: 1, in_stock: true })
  socket.write('0\r\n\r\n')
  await responseOf(socket)
  const [first] = await app.stock()
  t.assert.strictEqual(first?.id, other.json().id)
})

/** Makes a new folder the temporary one until the end of the test. */
async function useTemporaryFolder(t: TestContext, beforeRemoval = () => {}): Promise<string> {
  t.after(beforeRemoval)
  const folder = await temporaryFolder(t)
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  return folder
}
