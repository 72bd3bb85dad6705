import { test, type TestContext } from 'node:test'

import { createPages } from '../../../../console/src/items/pages.ts'
import type { Page } from '../../../../src/client/client.ts'

const page = (next: string): Page => ({ items: [], next, total: undefined })

test('a page is fetched once, also while it is being fetched', async (t: TestContext) => {
  const pages = createPages()
  let requests = 0
  const load = async () => page(`${++requests}`)
  const both = await Promise.all([pages.fetch('a', load), pages.fetch('a', load)])
  t.assert.deepStrictEqual([...both, await pages.fetch('a', load)], [page('1'), page('1'), page('1')])
})

test('the page that was used the longest ago is forgotten', async (t: TestContext) => {
  const pages = createPages(2)
  const fetch = (key: string) => pages.fetch(key, async () => page(key))
  await fetch('a')
  await fetch('b')
  await fetch('a')
  await fetch('c')
  t.assert.deepStrictEqual(
    ['a', 'b', 'c'].map((key) => pages.cached(key) !== undefined),
    [true, false, true],
  )
})

test('a page that was requested before a write is not kept', async (t: TestContext) => {
  const pages = createPages()
  const answers = Promise.withResolvers<Page>()
  const pending = pages.fetch('a', () => answers.promise)
  pages.forget()
  answers.resolve(page('old'))
  t.assert.deepStrictEqual(await pending, page('old'))
  t.assert.strictEqual(pages.cached('a'), undefined)
})

test('a failed request is not kept', async (t: TestContext) => {
  const pages = createPages()
  await t.assert.rejects(pages.fetch('a', () => Promise.reject(new Error('down'))))
  t.assert.deepStrictEqual(await pages.fetch('a', async () => page('b')), page('b'))
})
