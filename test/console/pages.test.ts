import { test, type TestContext } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

import { exampleId } from '../../src/openapi/schemas.ts'
import { openApp } from '../support/app.ts'

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const pages = [
  '/console',
  '/console/',
  '/console/sign-in',
  '/console/sign-in?to=%2Fconsole%2Fitems',
  '/console/items',
  '/console/items?q=tea&after=x',
  '/console/items/new',
  `/console/items/${exampleId}`,
  '/console/overview',
  '/console/changes',
  '/console/import',
  '/console/account',
]

test('each address of the console is the same page', async (t: TestContext) => {
  const { send } = await openApp(t)
  const first = await send({ url: '/console', headers: html })
  for (const url of pages) {
    for (const method of ['GET', 'HEAD'] as const) {
      const answer = await send({ method, url, headers: html })
      t.assert.strictEqual(answer.statusCode, 200, url)
      t.assert.strictEqual(answer.body, method === 'GET' ? first.body : '', url)
    }
    t.assert.strictEqual((await send({ method: 'POST', url, headers: html })).statusCode, 405, url)
  }
})

test('an unknown address below /console is 404, with the page for browsers', async (t: TestContext) => {
  const { send } = await openApp(t)
  const { body } = await send({ url: '/console' })
  const unknown = [
    '/console/x',
    '/console/items/x',
    '/console/Items',
    '/console//items',
    '/console/unknown',
    '/console/sign-in/',
  ]
  for (const url of unknown) {
    const answer = await send({ url, headers: html })
    t.assert.deepStrictEqual([answer.statusCode, answer.body], [404, body], url)
  }
  for (const url of ['/console/assets/x.js', '/console/assets/', '/console/api/x', '/console/session/x', '/consolex']) {
    const answer = await send({ url, headers: html })
    t.assert.deepStrictEqual([answer.statusCode, answer.json().code], [404, 'not_found'], url)
  }
  t.assert.strictEqual((await send({ url: '/console/x' })).json().code, 'not_found')
})

test('the page is revalidated, and allows only its own files', async (t: TestContext) => {
  const { send } = await openApp(t)
  const { headers } = await send({ url: '/console', headers: html })
  t.assert.strictEqual(headers['cache-control'], 'no-cache')
  t.assert.strictEqual(
    headers['content-security-policy'],
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; " +
      "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  )
  t.assert.strictEqual(headers['cross-origin-opener-policy'], 'same-origin')
  t.assert.match(String(headers['permissions-policy']), /^camera=\(\), .*usb=\(\)$/)
  const again = await send({ url: '/console', headers: { ...html, 'if-none-match': String(headers.etag) } })
  t.assert.deepStrictEqual([again.statusCode, again.body], [304, ''])
  const other = await send({ url: '/console', headers: { ...html, 'if-none-match': '"other"' } })
  t.assert.strictEqual(other.statusCode, 200)
})

test('the files of the page never change, and are sent compressed', async (t: TestContext) => {
  const { send } = await openApp(t)
  const { body } = await send({ url: '/console' })
  const names = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name = '']) => name)
  t.assert.ok(names.length >= 3)
  for (const url of names) {
    t.assert.match(url, /^\/console\/assets\/[\w-]+-[\w-]{8}\.(?:js|css|svg)$/)
    const plain = await send({ url, headers: { 'accept-encoding': 'identity' } })
    t.assert.strictEqual(plain.headers['cache-control'], 'public, max-age=31536000, immutable')
    t.assert.strictEqual(plain.headers['content-encoding'], undefined)
    t.assert.match(String(plain.headers.vary), /Accept-Encoding/)
    for (const [accepted, coding, decompress] of [
      ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
      ['gzip, br;q=0', 'gzip', gunzipSync],
    ] as const) {
      const answer = await send({ url, headers: { 'accept-encoding': accepted } })
      t.assert.strictEqual(answer.headers['content-encoding'], coding)
      t.assert.deepStrictEqual(decompress(answer.rawPayload), plain.rawPayload)
      t.assert.strictEqual(answer.headers['content-type'], plain.headers['content-type'])
    }
  }
})
