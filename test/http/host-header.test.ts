import { test, type TestContext } from 'node:test'

import { readConfig } from '../../src/config/config.ts'
import { listen, openApp } from '../support/app.ts'
import { exchange } from '../support/raw-http.ts'

const loopback = [
  'localhost',
  'LOCALHOST',
  'localhost.',
  'localhost:8000',
  'localhost:',
  '127.0.0.1:8000',
  '[::1]',
  '[::1]:8000',
]
const strange = [
  'evil.example',
  'evil.example:8000',
  'localhost.evil.example',
  'evil.localhost',
  '127.0.0.1.evil.example',
  '::1',
  'localhost:a',
  'a b',
  '',
]

test('a service on a loopback address refuses other host names', async (t: TestContext) => {
  const port = await openListening(t, '')
  for (const host of loopback) t.assert.strictEqual((await ask(port, '/', host)).statusCode, 307, host)
  for (const host of strange) {
    for (const path of ['/openapi.json', '/items', '/scalar', '/nothing']) {
      const refused = await ask(port, path, host)
      t.assert.deepStrictEqual([refused.statusCode, JSON.parse(refused.body).code], [421, 'misdirected_request'], host)
    }
    for (const probe of ['/healthz', '/readyz']) {
      t.assert.strictEqual((await ask(port, probe, host)).statusCode, 200, host)
    }
  }
  const [old] = await exchange(port, 'GET / HTTP/1.0\r\nConnection: close\r\n\r\n')
  t.assert.strictEqual(old?.statusCode, 307)
})

test('ALLOWED_HOSTS names hosts, their subdomains, or all', async (t: TestContext) => {
  const cases: [setting: string, allowed: string[], refused: string[]][] = [
    ['shop.example', ['shop.example', 'SHOP.example.:80'], ['a.shop.example', 'localhost', 'xshop.example']],
    ['*.shop.example', ['a.shop.example', 'a.b.shop.example:1'], ['shop.example', '.shop.example', 'a.xshop.example']],
    ['.shop.example, [::2]', ['shop.example', 'a.shop.example', '[::2]:80'], ['ashop.example', '[::1]', 'example']],
    ['*', ['anything', 'evil.example'], []],
  ]
  for (const [setting, allowed, refused] of cases) {
    const port = await openListening(t, setting)
    for (const host of allowed) t.assert.strictEqual((await ask(port, '/', host)).statusCode, 307, host)
    for (const host of refused) t.assert.strictEqual((await ask(port, '/', host)).statusCode, 421, host)
  }
})

test('by default only a loopback HOST restricts host names', (t: TestContext) => {
  const names = ['localhost', '127.0.0.1', '[::1]']
  for (const [host, allowed] of [
    ['localhost', [...names, 'localhost']],
    ['127.0.0.1', [...names, '127.0.0.1']],
    ['127.8.9.1', [...names, '127.8.9.1']],
    ['::1', [...names, '[::1]']],
    ['0.0.0.0', ['*']],
    ['::', ['*']],
    ['192.168.0.7', ['*']],
    ['shop.example', ['*']],
  ] as const) {
    t.assert.deepStrictEqual(readConfig({ HOST: host }).allowedHosts, allowed, host)
  }
  t.assert.deepStrictEqual(readConfig({ ALLOWED_HOSTS: 'Shop.example , *.a' }).allowedHosts, ['shop.example', '*.a'])
  for (const wrong of ['shop.example:80', 'http://shop.example', '::1', 'a,,b', 'a*', '*.*', 'a b', 'ä.example']) {
    t.assert.throws(
      () => readConfig({ ALLOWED_HOSTS: wrong }),
      /ALLOWED_HOSTS must be comma-separated host names/,
      wrong,
    )
  }
})

async function openListening(t: TestContext, setting: string): Promise<number> {
  const { app } = await openApp(t, { ALLOWED_HOSTS: setting })
  return listen(app)
}

async function ask(port: number, path: string, host: string) {
  const [answer] = await exchange(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  if (!answer) throw new Error('there is no response')
  return answer
}
