import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import type { Page } from 'playwright-core'

import { withoutChromium } from '../../support/browser.ts'
import { rowOf } from './items.ts'
import { folder, openConsole } from './support.ts'

const skip = withoutChromium
const name = 'Rosalind Franklin'

const header = 'Product;Supplier;Group;Price;Available'
const articles = [
  'Cat grass;Green Paws;Pets;4,00;yes',
  'Dog biscuits;Bone Ltd;Pets;19,50x;yes',
  'Aquarium;Bone Ltd;Pets;1.234,50;no',
  'Bird seed;Bone Ltd;Pets;2,50;no',
  'Green tea;Leaf;Grocery;4,99;no',
  ';Leaf;Grocery;1,00;yes',
]

interface Walk {
  page: Page
  /** Writes a screenshot to coverage/console/. */
  look: (step: string) => Promise<unknown>
}

for (const width of [1280, 390]) {
  test(`a manager's first day on a screen of ${width} px`, { skip }, async (t: TestContext) => {
    const { page, tabs, open, expectStatus } = await openConsole(t)
    await page.setViewportSize({ width, height: 850 })
    let steps = 0
    const look = (step: string) =>
      page.screenshot({ path: join(folder, `walk-${width}-${String(++steps).padStart(2, '0')}-${step}.png`) })
    const walk = { page, look }
    await open('')
    await register(walk)
    await importArticles(walk)
    await raisePetPrices(walk)
    await undoLater(walk)
    t.assert.match(await findCheapestSoldOut(walk), /^Bird seed/)
    expectStatus(401)
    await signOutEverywhere(walk)
    t.assert.deepStrictEqual(await tabs.cookies(), [])
  })
}

async function register({ page, look }: Walk) {
  await look('sign-in')
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByRole('textbox', { name: 'Your name' }).fill(name)
  await page.getByRole('textbox', { name: 'Email' }).fill('rosalind@example.com')
  await page.getByRole('textbox', { name: 'Password' }).fill('tulip harbor violin')
  await look('register')
  await page.getByRole('button', { name: 'Create an account' }).click()
  await page.getByRole('heading', { name: 'Items', exact: true }).waitFor()
  await page.getByRole('link', { name: 'Import a spreadsheet' }).waitFor()
  await look('empty-store')
}

async function importArticles({ page, look }: Walk) {
  const choose = (rows: string) =>
    page
      .locator('input[type=file]')
      .setInputFiles({ name: 'articles.csv', mimeType: 'text/csv', buffer: Buffer.from(rows) })
  await page.getByRole('link', { name: 'Import a spreadsheet' }).click()
  await page.getByRole('heading', { name: 'Import', exact: true }).waitFor()
  await look('import')
  await choose([header, ...articles].join('\r\n'))
  const check = page.getByRole('button', { name: 'Check 6 rows' })
  await check.waitFor()
  await look('columns')
  await check.scrollIntoViewIfNeeded()
  await look('columns-end')
  await check.click()
  await page.getByText('2 rows left out').waitFor()
  await look('check')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download the 2 rows to correct' }).click()
  const rejected = await readFile(await (await download).path(), 'utf8')
  await page.getByRole('button', { name: 'Import 4 rows' }).click()
  await page.getByText('4 rows imported. 2 rows were left out.').waitFor()
  await look('imported')
  await choose(rejected.replace('19,50x', '19,50').replace('\n;', '\nOat milk;'))
  await page.getByRole('button', { name: 'Import 2 rows' }).click()
  await page.getByText('2 rows imported.').waitFor()
  await look('imported-corrected')
  await page.getByRole('link', { name: 'Show them' }).click()
  await rowOf(page, 'Oat milk').waitFor()
  await look('items')
}

async function raisePetPrices({ page, look }: Walk) {
  await openFilters(page)
  await look('filters')
  await page.getByRole('button', { name: 'Category: All categories' }).click()
  await page.getByRole('checkbox', { name: 'Pet' }).check()
  await look('category')
  await page.keyboard.press('Escape')
  await page.getByText('4 items', { exact: true }).waitFor()
  await page.getByRole('checkbox', { name: 'Select all items on this page' }).check()
  await look('selected')
  await page.getByRole('button', { name: 'Change…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Change 4 items' })
  await look('bulk')
  await dialog.getByLabel('Percent').fill('10')
  await dialog.getByRole('row', { name: 'Cat grass $4.00 $4.40' }).waitFor()
  await look('bulk-preview')
  await dialog.getByRole('button', { name: 'Change 4 prices' }).click()
  await page.getByText('Changed 4 prices.').waitFor()
  await rowOf(page, 'Bird seed').getByText('$2.75').waitFor()
  await look('raised')
}

/** The notification that offers it is gone. */
async function undoLater({ page, look }: Walk) {
  await page.getByText('Changed 4 prices.').waitFor({ state: 'hidden' })
  await page.getByRole('link', { name: 'Changes' }).click()
  await page.getByRole('heading', { name: 'Changes' }).waitFor()
  const change = page.getByRole('row').filter({ hasText: 'Bulk change: 4 changed' })
  await change.getByText('Price $4.00 → becomes $4.40').waitFor()
  await look('changes')
  await change.getByRole('button', { name: 'Undo: Bulk change' }).click()
  await page.getByText('4 items get their previous values.').waitFor()
  await look('undo')
  await page.getByRole('button', { name: 'Undo 4 changes' }).click()
  await page.getByText('4 changes undone.').waitFor()
  await look('undone')
}

/** By keyboard alone. @returns the row that has the focus */
async function findCheapestSoldOut({ page, look }: Walk): Promise<string> {
  const { keyboard } = page
  const tabTo = async (label: string) => {
    for (let presses = 0; presses < 80; presses++) {
      await keyboard.press('Tab')
      if ((await page.evaluate(focusedLabel)) === label) return
    }
    throw new Error(`Tab does not reach ${label}`)
  }
  await tabTo('Items')
  await keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Items', exact: true }).waitFor()
  await rowOf(page, 'Bird seed').getByText('$2.50').waitFor()
  if (await page.getByRole('button', { name: 'Filters' }).isVisible()) {
    await tabTo('Filters')
    await keyboard.press('Enter')
  }
  await tabTo('Stock')
  await keyboard.type('Sold')
  await page.getByText('3 items', { exact: true }).waitFor()
  await tabTo('Order')
  await keyboard.type('Cheap')
  await page.locator('tbody tr').first().getByText('Bird seed').waitFor()
  await look('keyboard-order')
  await tabTo('Bird seed')
  await look('keyboard-row')
  const row = await page.locator('tr:focus-within').innerText()
  await keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Bird seed' }).getByText('$2.75').first().waitFor()
  await look('keyboard-item')
  await keyboard.press('Escape')
  return row.trim()
}

async function signOutEverywhere({ page, look }: Walk) {
  await page.getByRole('button', { name: `Account of ${name}` }).click()
  await look('account-menu')
  await page.getByRole('link', { name: 'Account' }).click()
  await page.getByRole('heading', { name: 'Account', exact: true }).waitFor()
  await look('account')
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await look('sign-out')
  await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out everywhere' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await look('signed-out')
}

async function openFilters(page: Page) {
  const toggle = page.getByRole('button', { name: 'Filters' })
  if (await toggle.isVisible()) await toggle.click()
}

const focusedLabel = `(() => {
  const { activeElement: element } = document
  return element.ariaLabel ?? element.textContent.trim()
})()`
