import { test, type TestContext } from 'node:test'

import { listen, openApp, type TestApp } from '../support/app.ts'
import { tea } from '../support/fixtures.ts'
import { exchange } from '../support/raw-http.ts'

/** The addresses of the service in its responses. */
async function addressesOf({ send, signIn }: TestApp, headers: Record<string, string> = {}): Promise<string[]> {
  const ada = await signIn('ada@example.com')
  const created = await ada.post('/items', tea, headers)
  const links = ['/items?limit=1', '/changes', `/items/${created.json().id}/changes`, '/changes/feed?since=beginning']
  const lists = await Promise.all(links.map((url) => ada.get(url, undefined, headers)))
  const setId = lists[1]?.json()[0].id
  lists.push(await ada.get(`/changes/${setId}/items`, undefined, headers))
  const redirect = await send({ url: '/', headers })
  const missing = await send({ url: '/nowhere', headers })
  const malformed = await send({ url: '/%', headers })
  const { servers, components } = (await send({ url: '/openapi.json', headers })).json()
  return [
    created.headers.location,
    ...lists.map((list) => /^<(.*?)\?/.exec(String(list.headers['link']))?.[1]),
    redirect.headers.location,
    missing.json().type,
    malformed.json().type,
    servers[0].url,
    components.securitySchemes.oauth2.flows.password.tokenUrl,
  ].map((address) => String(address).replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID'))
}

const addresses = (rootPath: string) => [
  `${rootPath}/items/ID`,
  `${rootPath}/items`,
  `${rootPath}/changes`,
  `${rootPath}/items/ID/changes`,
  `${rootPath}/changes/feed`,
  `${rootPath}/changes/ID/items`,
  `${rootPath}/scalar`,
  `${rootPath}/problems/not_found`,
  `${rootPath}/problems/malformed_request`,
  rootPath || '/',
  `${rootPath}/store-managers/token`,
]

test('every address in a response begins with ROOT_PATH', async (t: TestContext) => {
  t.assert.deepStrictEqual(await addressesOf(await openApp(t)), addresses(''))
  const app = await openApp(t, { ROOT_PATH: '/shop/eu', TRUST_PROXY: '1' })
  t.assert.deepStrictEqual(await addressesOf(app, { 'x-forwarded-prefix': '/other' }), addresses('/shop/eu'))
  const [answer] = await exchange(await listen(app.app), 'GET / HTTP/1.1\r\nbad header\r\n\r\n')
  t.assert.strictEqual(JSON.parse(answer?.body ?? '').type, '/shop/eu/problems/malformed_request')
})

test('examples in the OpenAPI document begin with ROOT_PATH', async (t: TestContext) => {
  const { send } = await openApp(t, { ROOT_PATH: '/shop' })
  const text = (await send({ url: '/openapi.json' })).body
  t.assert.match(text, /"type":"\/shop\/problems\/item_not_found"/)
  t.assert.match(text, /"<\/shop\/changes\?limit=100>/)
  t.assert.doesNotMatch(text, /["<]\/(?:problems\/|changes\?)/)
})

test('X-Forwarded-Prefix counts if a trusted proxy sends it', async (t: TestContext) => {
  const header = { 'x-forwarded-prefix': '/shop/' }
  t.assert.deepStrictEqual(await addressesOf(await openApp(t, { TRUST_PROXY: '1' }), header), addresses('/shop'))
  t.assert.deepStrictEqual(
    await addressesOf(await openApp(t, { TRUST_PROXY: '127.0.0.1' }), header),
    addresses('/shop'),
  )
  t.assert.deepStrictEqual(await addressesOf(await openApp(t, { TRUST_PROXY: '10.0.0.1' }), header), addresses(''))
  t.assert.deepStrictEqual(await addressesOf(await openApp(t), header), addresses(''))
})

test('an X-Forwarded-Prefix that is not a plain path is ignored', async (t: TestContext) => {
  const { send } = await openApp(t, { TRUST_PROXY: '1' })
  for (const given of [
    '//evil.example',
    'https://evil.example',
    '/a/../b',
    '/a"onload=',
    '/a, /b',
    '/a b',
    'shop',
    '/',
  ]) {
    const { headers } = await send({ url: '/', headers: { 'x-forwarded-prefix': given } })
    t.assert.strictEqual(headers.location, '/scalar', given)
  }
})
