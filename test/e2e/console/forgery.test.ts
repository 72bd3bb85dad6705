import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { sameOrigin } from '../../support/console.ts'
import { ada, tea } from '../../support/fixtures.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium

test('a page of another port can neither read nor change anything', { skip }, async (t: TestContext) => {
  const { service, tabs, signIn, origin, complaints } = await openConsole(t, { CORS_ORIGINS: '*' })
  const { post, get } = await signIn(ada.email)
  const item = (await post('/items', tea)).json()
  const [{ id: change }] = (await get('/changes')).json()
  const attacker = await openAttacker(t, origin, change)

  // The host is the same, so for the browser it is the same site, and the cookie is sent.
  const page = await tabs.newPage()
  const before = service.log.length
  await page.goto(attacker)
  await page.getByText('tried all').waitFor()
  const requests = service.log.slice(before).map((line) => JSON.parse(line))
  t.assert.deepStrictEqual(
    requests
      .filter(({ msg }) => msg === 'request')
      .map(({ method, route, status }) => `${method} ${route} ${status}`)
      .toSorted(),
    [
      'GET /console/session 403',
      'GET /items 403',
      'GET /items/export 403',
      'OPTIONS /console/session 403',
      'POST /changes/:id/undo 403',
      'POST /console/session 403',
    ],
  )
  t.assert.strictEqual(await page.locator('#learned').textContent(), '')
  for (const name of ['navigate', 'submit']) {
    const answer = page.waitForResponse((response) => response.url().startsWith(`${origin}/console/`))
    await page.goto(attacker)
    await page.getByText('tried all').waitFor()
    await page.getByRole('button', { name }).click()
    t.assert.strictEqual((await answer).status(), 403, name)
  }

  t.assert.deepStrictEqual((await get(`/items/${item.id}`)).json(), item)
  t.assert.strictEqual(
    (await (await tabs.request.get(`${origin}/console/session`, { headers: sameOrigin })).json()).manager.email,
    ada.email,
  )
  // These are the attacker's.
  complaints.length = 0
})

/** A page on another port of the same host, which tries what pages may send. */
async function openAttacker(t: TestContext, origin: string, change: string): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html>
      <p id="learned"></p>
      <p id="done"></p>
      <a href="${origin}/console/api/items/export?format=csv"><button>navigate</button></a>
      <form method="post" action="${origin}/console/api/items"><button>submit</button></form>
      <script>
        const learned = async (response) => { document.querySelector('#learned').textContent += await response.text() }
        const attempt = (path, options) => fetch('${origin}' + path, options).then(learned, () => {})
        const include = { credentials: 'include' }
        const image = (path) => new Promise((done) => {
          const element = new Image()
          element.onload = element.onerror = done
          element.src = '${origin}' + path
        })
        Promise.all([
          attempt('/console/session', include),
          attempt('/console/session', { ...include, method: 'POST', mode: 'no-cors', body: '{}' }),
          attempt('/console/session?scope=all', { ...include, method: 'DELETE' }),
          attempt('/console/api/items', include),
          attempt('/console/api/changes/${change}/undo', { ...include, method: 'POST', mode: 'no-cors' }),
          image('/console/api/items/export?format=csv'),
        ]).then(() => { document.querySelector('#done').textContent = 'tried all' })
      </script>`)
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://localhost:${(server.address() as AddressInfo).port}/`
}
