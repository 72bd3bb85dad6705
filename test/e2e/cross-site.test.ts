import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'

import { form, openApp, type TestApp } from '../support/app.ts'
import { openBrowser, withoutChromium } from '../support/browser.ts'
import { password } from '../support/fixtures.ts'
import { until } from '../support/until.ts'

const email = 'ada@example.com'
const host = 'stock.example'
const limits = { LOGIN_LIMIT_PER_ADDRESS: '1', REGISTRATION_LIMIT_PER_ADDRESS: '2' }

const foreign: Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'cross-site', origin: 'null' },
  { 'sec-fetch-site': 'same-site', origin: 'https://shop.stock.example' },
  { 'sec-fetch-site': 'anything', origin: 'https://stock.example' },
  { origin: 'https://evil.example' },
  { origin: 'http://stock.example:8080' },
  { origin: 'https://stock.example.evil.example' },
  { origin: 'null' },
  { origin: '' },
  { origin: 'file://' },
]

const own: Record<string, string>[] = [
  {},
  { 'sec-fetch-site': 'same-origin', origin: 'https://stock.example' },
  // Behind a proxy that sends a Host of its own.
  { 'sec-fetch-site': 'same-origin', origin: 'https://outside.example' },
  { 'sec-fetch-site': 'none' },
  { origin: 'https://stock.example' },
  { origin: 'http://stock.example' },
  { origin: 'http://stock.example', host: 'stock.example:80' },
  { origin: 'https://stock.example', host: 'STOCK.example:443' },
]

test('cross-site logins and registrations are refused and not counted', async (t: TestContext) => {
  const app = await openApp(t, limits)
  await app.register(email)
  for (const headers of foreign) {
    for (const refused of [await logIn(app, headers, 'wrong horse battery'), await register(app, headers)]) {
      t.assert.strictEqual(refused.statusCode, 403, JSON.stringify(headers))
      t.assert.strictEqual(refused.json().code, 'cross_site_request')
      t.assert.strictEqual(refused.headers['ratelimit'], undefined)
    }
  }
  t.assert.strictEqual((await logIn(app, {})).statusCode, 200)
  t.assert.strictEqual((await register(app, {}, 'grace@example.com')).statusCode, 201)
})

test('the documentation page and other clients log in and register', async (t: TestContext) => {
  const app = await openApp(t)
  await app.register(email)
  for (const headers of own) {
    t.assert.strictEqual((await logIn(app, headers)).statusCode, 200, JSON.stringify(headers))
    t.assert.strictEqual((await register(app, headers)).statusCode, 409, JSON.stringify(headers))
  }
})

test('pages of origins in CORS_ORIGINS log in and register', async (t: TestContext) => {
  for (const [CORS_ORIGINS, origin, status] of [
    ['https://shop.example', 'https://shop.example', 200],
    ['https://shop.example', 'https://evil.example', 403],
    ['https://shop.example', 'null', 403],
    ['*', 'https://evil.example', 200],
    ['*', 'null', 200],
  ] as const) {
    const app = await openApp(t, { CORS_ORIGINS })
    await app.register(email)
    for (const more of [{}, { 'sec-fetch-site': 'cross-site' }]) {
      const answer = await logIn(app, { origin, ...more })
      t.assert.strictEqual(answer.statusCode, status, `${CORS_ORIGINS} ${origin}`)
      t.assert.strictEqual((await register(app, { origin, ...more })).statusCode, status === 200 ? 409 : 403)
    }
  }
})

test(
  'a page of another origin in a browser cannot use up the logins',
  { skip: withoutChromium },
  async (t: TestContext) => {
    const { app, log, register: add, logIn: enter } = await openApp(t, { LOGIN_LIMIT_PER_ADDRESS: '1' })
    await add(email)
    const url = `${(await app.listen({ port: 0 })).replace('127.0.0.1', 'localhost')}/store-managers/token`
    const evil = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<p>Hello'))
    evil.listen(0, '127.0.0.1')
    t.after(() => evil.close())
    await once(evil, 'listening')
    const page = await (await openBrowser(t)).newPage()
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`)
    // The page is not shown the response either, which makes its call fail.
    await page.evaluate(
      ([target, body]) =>
        fetch(target ?? '', { method: 'POST', mode: 'no-cors', body: new URLSearchParams(body) }).catch(() => {}),
      [url, `username=${email}&password=wrong`],
    )
    await until(() => log.some((line) => JSON.parse(line).status === 403))
    for (let login = 0; login < 3; login++) t.assert.strictEqual((await enter(email)).statusCode, 200)
  },
)

function logIn(app: TestApp, headers: Record<string, string>, plain = password) {
  const { payload, headers: type } = form({ username: email, password: plain })
  return app.send({ method: 'POST', url: '/store-managers/token', payload, headers: { host, ...type, ...headers } })
}

function register(app: TestApp, headers: Record<string, string>, address = email) {
  const payload = { name: 'Ada', email: address, password }
  return app.send({ method: 'POST', url: '/store-managers', payload, headers: { host, ...headers } })
}
