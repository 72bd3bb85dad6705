import { test, type TestContext } from 'node:test'

import { createManager } from '../../../src/store-managers/store-managers.ts'
import { withoutChromium } from '../../support/browser.ts'
import { ada, password } from '../../support/fixtures.ts'
import { eventually } from '../../support/until.ts'
import { item, registerMary, rowOf, stock } from './items.ts'
import { openConsole, type TestConsole } from './support.ts'

const skip = withoutChromium

for (const env of [{ REQUIRE_IF_MATCH: 'true' }, { ITEM_WRITES: 'shared' }, { REGISTRATION: 'closed' }])
  test(
    `items are created, changed, and undone with ${Object.entries(env).flat().join('=')}`,
    { skip },
    async (t: TestContext) => {
      const console = await openConsole(t, env)
      const caller = { party: 'test', signal: new AbortController().signal }
      await createManager(console.service.context, { ...ada, password }, caller)
      await changeItems(t, console)
    },
  )

test('with ITEM_WRITES=shared, items of others can be changed', { skip }, async (t: TestContext) => {
  const { service, page, open, signIn } = await openConsole(t, { ITEM_WRITES: 'shared' })
  await signIn(ada.email)
  const mary = await registerMary(service)
  await stock(mary, [item('Tea', 5)])
  await open('items')
  await rowOf(page, 'Tea').getByText('Mary Seacole').waitFor()
  await rowOf(page, 'Tea')
    .getByRole('button', { name: /^\$5\.00/ })
    .click()
  await page.keyboard.type('6')
  await page.keyboard.press('Enter')
  await page.getByText('Tea now costs $6.00.').waitFor()
})

/** Creates an item, changes its price in the list and its name in the drawer, deletes it, and restores it. */
async function changeItems(t: TestContext, { page, open, signIn }: TestConsole): Promise<void> {
  const { get } = await signIn(ada.email)
  const items = async () => Object.values<{ name: string; price_usd: number }>((await get('/items')).json())
  await open('items/new')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Tea')
  await dialog.getByLabel('Category').selectOption('Grocery')
  await dialog.getByLabel('Price in US dollars').fill('4,50')
  await dialog.getByRole('button', { name: 'Create item' }).click()
  await page.getByText('Created Tea.').waitFor()
  await open('items')
  await rowOf(page, 'Tea')
    .getByRole('button', { name: /^\$4\.50/ })
    .click()
  await page.keyboard.type('5')
  await page.keyboard.press('Enter')
  await page.getByText('Tea now costs $5.00.').waitFor()

  await page.getByRole('link', { name: 'Tea' }).click()
  await dialog.getByLabel('Name').fill('Green tea')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved Green tea.').waitFor()
  await open('changes')
  await page
    .getByRole('button', { name: /^Undo: Change/ })
    .first()
    .click()
  await page.getByRole('dialog').getByRole('button', { name: /^Undo/ }).click()
  await eventually(items, ([only]) => only?.name === 'Tea')
  t.assert.strictEqual((await items())[0]?.price_usd, 5)
}
