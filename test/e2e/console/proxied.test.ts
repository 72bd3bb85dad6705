import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { withoutOpenssl } from '../../support/certificates.ts'
import { realStores, startService } from '../../support/service.ts'
import { openTlsProxy } from '../../support/tls-proxy.ts'
import { useConsole } from './support.ts'

const skip = withoutChromium || withoutOpenssl

test('behind a proxy with TLS, the cookie is secure', { skip }, async (t: TestContext) => {
  // A proxy usually keeps Host; this is what nginx sends by default.
  for (const headers of [{}, { host: '127.0.0.1' }]) {
    const service = await startService(t, await realStores(t))
    const port = await openTlsProxy(t, service.url, { headers })
    const cookie = await useConsole(t, service.url, `https://shop.example:${port}`)
    t.assert.deepStrictEqual([cookie?.name, cookie?.secure, cookie?.path], ['__Host-stockroom', true, '/'])
    await service.end('SIGTERM')
  }
})

test('below a path of a proxy, the console works the same', { skip }, async (t: TestContext) => {
  const prefix = '/shop/a'
  const service = await startService(t, { ...(await realStores(t)), ROOT_PATH: prefix })
  const port = await openTlsProxy(t, service.url, { prefix })
  const cookie = await useConsole(t, service.url, `https://shop.example:${port}`, prefix)
  t.assert.deepStrictEqual([cookie?.name, cookie?.path], ['__Host-stockroom%2Fshop%2Fa', '/'])
})

test('without TLS, the console works at any host name', { skip }, async (t: TestContext) => {
  const service = await startService(t, await realStores(t))
  const { port } = new URL(service.url)
  const cookie = await useConsole(t, service.url, `http://shop.example:${port}`)
  t.assert.deepStrictEqual([cookie?.name, cookie?.secure, cookie?.path], [`stockroom-${port}`, false, '/console'])
})

test('two processes serve one console', { skip }, async (t: TestContext) => {
  const service = await startService(t, { ...(await realStores(t)), WEB_CONCURRENCY: '2' })
  const cookie = await useConsole(t, service.url, service.url)
  t.assert.strictEqual(cookie?.httpOnly, true)
})
