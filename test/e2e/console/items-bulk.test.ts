import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import type { Locator, Page } from 'playwright-core'

import { withoutChromium } from '../../support/browser.ts'
import { eventually } from '../../support/until.ts'
import { item, numbered, openItems, registerMary, stock } from './items.ts'

const skip = withoutChromium

test('selected prices are raised after a preview, and undone', { skip }, async (t: TestContext) => {
  const { page, service, ada, row, open, inspect } = await openItems(t, [item('Tea', 5), item('Coffee', 9.99)])
  await stock(await registerMary(service), [item('Honey', 8)])
  await open('items')
  await page.getByRole('checkbox', { name: 'Select all items on this page' }).check()
  await page.getByText('3 items selected (2 of them yours)').waitFor()
  await inspect('items-selected')
  await page.getByRole('button', { name: 'Change…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Change 3 items' })
  await inspect('bulk-empty')
  await dialog.getByLabel('Percent').fill('10')
  await dialog.getByText('2 items will be changed. 1 is not yours and stays as it is.').waitFor()
  await dialog.getByRole('row', { name: 'Coffee $9.99 $10.99' }).waitFor()
  await inspect('bulk-preview')
  await dialog.getByRole('button', { name: 'Change 2 prices' }).click()
  await page.getByText('Changed 2 prices.').waitFor()
  await row('Tea').getByText('$5.50').waitFor()
  await row('Coffee').getByText('$10.99').waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await row('Coffee').getByText('$9.99').waitFor()
  t.assert.strictEqual((await ada.get('/changes?kind=bulk')).json().length, 1)
})

test('all that match are changed, also on other pages', { skip }, async (t: TestContext) => {
  const { page, ada } = await openItems(t, numbered(150), { REQUIRE_IF_MATCH: 'true' })
  await page.getByRole('checkbox', { name: 'Select all items on this page' }).check()
  const bar = page.getByRole('group', { name: '100 items selected' })
  const selected = await saved(page, bar.getByRole('button', { name: 'Export' }))
  const hundred = (await ada.get('/items/export?format=csv&safe=spreadsheet&sort=-id')).body.split('\r\n').slice(0, 101)
  t.assert.strictEqual(selected, `${hundred.join('\r\n')}\r\n`)
  await page.getByRole('button', { name: 'Select all 150 items that match' }).click()
  const all = await saved(page, page.getByRole('link', { name: 'Export' }))
  t.assert.strictEqual(all.split('\r\n').length, 152)
  await page.getByText('All 150 items that match are selected').waitFor()
  await page.getByRole('button', { name: 'Change…' }).click()
  await page.getByRole('radio', { name: 'Stock' }).check()
  await page.getByLabel('New stock').selectOption('Sold out')
  await page.getByText('150 items will be changed.').waitFor()
  await page.keyboard.press('Control+Enter')
  await page.getByText('Changed 150 items.').waitFor()
  t.assert.strictEqual((await ada.get('/items/summary')).json().in_stock, 0)
})

test('a preview that is no longer true changes nothing', { skip }, async (t: TestContext) => {
  const { page, ada, expectStatus } = await openItems(t, [item('Tea', 5), item('Coffee', 9)])
  expectStatus(412)
  await page.getByRole('checkbox', { name: 'Select all items on this page' }).check()
  await page.getByRole('button', { name: 'Delete…' }).click()
  const button = page.getByRole('button', { name: 'Delete 2 items' })
  await eventually(
    () => button.getAttribute('aria-disabled'),
    (value) => value === 'false',
  )
  const [id = ''] = Object.keys((await ada.get('/items')).json())
  await ada.delete(`/items/${id}`)
  await button.click()
  await page.getByText('The number of items that match has changed').waitFor()
  await page.getByText('1 item will be deleted. 1 no longer exists.').waitFor()
  await page.getByRole('button', { name: 'Delete 1 item' }).click()
  await page.getByText('Deleted 1 item.').waitFor()
  await page.getByText('There are no items yet.').waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('link', { name: 'Coffee' }).waitFor()
})

test('prices that are impossible are refused before anything changes', { skip }, async (t: TestContext) => {
  const { page, expectStatus, inspect } = await openItems(t, [item('Tea', 5), item('Coffee', 9)])
  expectStatus(422)
  await page.getByRole('checkbox', { name: 'Select Tea' }).check()
  await page.getByRole('button', { name: 'Change…' }).click()
  await page.getByLabel('How').selectOption('Lower by amount')
  await page.getByLabel('US dollars').fill('6')
  await page.getByText('1 item cannot have its new price, so nothing would be changed:').waitFor()
  await page.getByText('Some would cost less than $0.00.').waitFor()
  t.assert.strictEqual(
    await page.getByRole('dialog').getByRole('button', { name: 'Change', exact: true }).getAttribute('aria-disabled'),
    'true',
  )
  await inspect('bulk-refused')
})

test('the selection survives paging, and ends with other filters', { skip }, async (t: TestContext) => {
  const { page } = await openItems(t, numbered(120))
  await page.getByRole('checkbox', { name: 'Select Item 119' }).check()
  await page.getByRole('checkbox', { name: 'Select Item 115' }).click({ modifiers: ['Shift'] })
  await page.getByText('5 items selected').waitFor()
  await page.locator('body').press(']')
  await page.getByRole('checkbox', { name: 'Select Item 000' }).check()
  await page.getByText('6 items selected').waitFor()
  await page.getByRole('combobox', { name: 'Stock' }).selectOption('In stock')
  await page.getByText('6 items selected').waitFor({ state: 'detached' })
})

/** The text of the file that a click saves. */
async function saved(page: Page, control: Locator): Promise<string> {
  const download = page.waitForEvent('download')
  await control.click()
  return readFile(await (await download).path(), 'utf8')
}
