import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'

import { openApp } from '../support/app.ts'

test('the page runs only its own scripts and cannot be framed', async (t: TestContext) => {
  const { send } = await openApp(t)
  const first = await send({ url: '/scalar' })
  const second = await send({ url: '/scalar/' })
  const policy = String(first.headers['content-security-policy'])
  t.assert.match(policy, /^default-src 'none'; script-src 'nonce-[\w-]{22}'; style-src 'nonce-[\w-]{22}';/)
  t.assert.match(policy, /frame-ancestors 'none'/)
  t.assert.doesNotMatch(policy.replace(`style-src-attr 'unsafe-inline'`, ''), /unsafe|https?:|\*/)
  t.assert.notStrictEqual(policy, second.headers['content-security-policy'])
  t.assert.strictEqual(first.headers['cache-control'], 'no-store')
  t.assert.doesNotMatch(first.body.replaceAll('http://www.w3.org/2000/svg', ''), /https?:/)
})

test('the script is sent gzipped or plain, and is cacheable', async (t: TestContext) => {
  const { send } = await openApp(t)
  const url = '/scalar/scalar.js'
  const plain = await send({ url })
  t.assert.strictEqual(plain.statusCode, 200)
  t.assert.strictEqual(plain.headers['content-encoding'], undefined)
  t.assert.strictEqual(
    (await send({ url, headers: { 'accept-encoding': 'br, gzip;q=0' } })).headers['content-encoding'],
    undefined,
  )
  const zipped = await send({ url, headers: { 'accept-encoding': 'br, gzip;q=0.5' } })
  t.assert.strictEqual(zipped.headers['content-encoding'], 'gzip')
  t.assert.ok(gunzipSync(zipped.rawPayload).equals(plain.rawPayload))

  const etag = String(plain.headers.etag)
  for (const known of [etag, etag.replace('W/', ''), `"other", ${etag}`]) {
    const unchanged = await send({ url, headers: { 'if-none-match': known } })
    t.assert.strictEqual(unchanged.statusCode, 304)
    t.assert.strictEqual(unchanged.body, '')
  }
  t.assert.strictEqual((await send({ url, headers: { 'if-none-match': '"other"' } })).statusCode, 200)
  const head = await send({ method: 'HEAD', url })
  t.assert.strictEqual(head.headers['content-length'], plain.headers['content-length'])
  t.assert.strictEqual(head.body, '')
})
