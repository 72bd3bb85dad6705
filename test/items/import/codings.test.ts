import { createHash } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'

import { asUtf8 } from '../../../src/items/import/coding.ts'
import { header, lines, openImporting } from '../../support/imports.ts'

const file = lines(header, 'Café – tea,Pet,1,true', 'Crème,Pet,2,false')
const names = ['Café – tea', 'Crème']
const csv = { 'content-type': 'text/csv' }
const gzip = { ...csv, 'content-encoding': 'gzip' }

test('an import without a file is refused', async (t: TestContext) => {
  const { ada, app } = await openImporting(t)
  const authorization = `Bearer ${ada.token}`
  const requests = [
    { headers: { authorization } },
    { headers: { authorization, ...csv } },
    { headers: { authorization, ...csv, 'content-length': '0' } },
    { headers: { authorization, 'content-length': '0' } },
    { headers: { authorization, 'content-type': 'application/x-ndjson', 'content-length': '0' }, payload: '' },
  ]
  for (const request of requests) {
    const answer = await app.inject({ method: 'POST', url: '/items/import', ...request })
    const missing = { type: 'missing', loc: ['body'], msg: 'is required: send the file as the request body' }
    t.assert.deepStrictEqual([answer.statusCode, answer.json().errors], [422, [missing]], JSON.stringify(request))
  }
})

test('a file may be gzipped, in several members too', async (t: TestContext) => {
  const { ada, contents, context } = await openImporting(t)
  const whole = gzipSync(file)
  const members = Buffer.concat([gzipSync(file.slice(0, 50)), gzipSync(file.slice(50))])
  for (const [body, coding] of [
    [whole, 'gzip'],
    [whole, 'X-GZIP'],
    [members, 'gzip'],
    [Buffer.from(file), 'identity'],
  ] as const) {
    const answer = await ada.post('/items/import', body, { ...csv, 'content-encoding': coding })
    t.assert.strictEqual(answer.statusCode, 200, answer.body)
    t.assert.deepStrictEqual(
      (await contents()).map(({ name }) => name),
      names,
    )
    await context.db.deleteFrom('items').execute()
  }
})

test('damaged gzip data, or data after it, is refused', async (t: TestContext) => {
  const { ada, stock } = await openImporting(t)
  const whole = gzipSync(lines(header, ...Array.from({ length: 5_000 }, (_, n) => `${sha(n)},Pet,1,true`)))
  const flipped = Buffer.from(whole)
  flipped[100_000] = (flipped[100_000] ?? 0) ^ 0xff
  for (const body of [
    Buffer.from(file),
    whole.subarray(0, -20),
    whole.subarray(0, 5),
    flipped,
    Buffer.concat([whole, Buffer.alloc(50, 'x')]),
  ]) {
    const answer = await ada.post('/items/import', body, gzip)
    t.assert.deepStrictEqual([answer.statusCode, answer.json().code], [400, 'malformed_body'])
    t.assert.match(answer.json().detail, /not valid gzip, or is truncated/)
  }
  t.assert.deepStrictEqual(await stock(), [])
})

test('a gzip that expands beyond IMPORT_LIMIT is refused early', async (t: TestContext) => {
  const { ada, stock } = await openImporting(t, { IMPORT_LIMIT: '1' })
  const bomb = gzipSync(`${header}\n${'a,Pet,1,true\n'.repeat(4_000_000)}`)
  t.assert.ok(bomb.length < 2 ** 20)
  const before = process.cpuUsage()
  const answer = await ada.post('/items/import', bomb, gzip)
  t.assert.deepStrictEqual([answer.statusCode, answer.json().code], [413, 'body_too_large'])
  t.assert.ok(process.cpuUsage(before).user < 2_000_000)
  t.assert.deepStrictEqual(await stock(), [])
})

test('other codings and charsets get 415', async (t: TestContext) => {
  const { ada } = await openImporting(t)
  for (const coding of ['br', 'deflate', 'zstd', 'gzip, gzip', 'compress']) {
    const answer = await ada.post('/items/import', file, { ...csv, 'content-encoding': coding })
    const { statusCode, headers } = answer
    t.assert.deepStrictEqual([statusCode, headers['accept-encoding']], [415, 'gzip, identity'])
  }
  for (const charset of ['utf-7', 'shift_jis', 'x', '"klingon"', 'iso-8859-2']) {
    const answer = await ada.post('/items/import', file, { 'content-type': `text/csv; charset=${charset}` })
    t.assert.deepStrictEqual([answer.statusCode, answer.json().code], [415, 'unsupported_media_type'], charset)
  }
  const workbook = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
  const answer = await ada.post('/items/import', file, { 'content-type': workbook })
  t.assert.strictEqual(answer.statusCode, 415)
  t.assert.match(answer.json().detail, /Save it as CSV UTF-8/)
})

test('a charset is detected by its byte order mark, or declared', async (t: TestContext) => {
  const { ada, contents, context } = await openImporting(t)
  const utf16 = Buffer.from(`\uFEFF${file}`, 'utf16le')
  const cp1252 = Buffer.from(file.replaceAll('–', '\u0096'), 'latin1')
  for (const [type, body] of [
    ['text/csv', utf16],
    ['text/csv; charset=utf-8', utf16],
    ['text/csv', Buffer.from(utf16).swap16()],
    ['text/csv; charset="UTF-16LE"', utf16.subarray(2)],
    ['text/csv;charset=utf-16be', Buffer.from(utf16.subarray(2)).swap16()],
    ['text/csv; charset=windows-1252', cp1252],
    ['text/csv; charset=ISO-8859-1', cp1252],
    ['text/csv; charset=windows-1252', `\uFEFF${file}`],
    ['text/csv; header=present; charset=UTF8', file],
    ['application/vnd.ms-excel', file],
    ['text/tab-separated-values', file.replaceAll(',', '\t')],
  ] as const) {
    const answer = await ada.post('/items/import', body, { 'content-type': type })
    t.assert.strictEqual(answer.statusCode, 200, `${type}: ${answer.body}`)
    t.assert.deepStrictEqual(
      (await contents()).map(({ name }) => name),
      names,
      type,
    )
    await context.db.deleteFrom('items').execute()
  }
  for (const type of ['application/ndjson', 'application/jsonl']) {
    for (const mark of ['', '\uFEFF']) {
      const row = `${mark}{"name":"a","category":"Pet","price_usd":1,"in_stock":true}`
      t.assert.strictEqual((await ada.post('/items/import', row, { 'content-type': type })).statusCode, 200)
    }
  }
  const loneSurrogate = Buffer.from([0x00, 0xd8, 0x2c, 0x00])
  for (const bytes of [loneSurrogate, loneSurrogate.subarray(0, 2), loneSurrogate.subarray(0, 1)]) {
    const broken = await ada.post('/items/import', Buffer.concat([utf16, bytes]), csv)
    t.assert.deepStrictEqual([broken.statusCode, broken.json().errors.at(-1).type], [422, 'encoding'])
  }
})

test('UTF-16 may be cut anywhere between two chunks', async (t: TestContext) => {
  const bytes = Buffer.from(`\uFEFFé€😀${file}`, 'utf16le')
  for (let at = 1; at < 12; at++) {
    const chunks = async function* () {
      yield bytes.subarray(0, at)
      yield bytes.subarray(at)
    }
    const text = Buffer.concat(await Array.fromAsync(asUtf8(chunks(), 'utf-8'))).toString()
    t.assert.strictEqual(text.replace(/^\uFEFF/, ''), `é€😀${file}`, `cut at ${at}`)
  }
})

function sha(n: number): string {
  return createHash('sha256').update(String(n)).digest('hex')
}
