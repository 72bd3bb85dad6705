import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { eventually } from '../../support/until.ts'
import { item, numbered, openItems } from './items.ts'

const skip = withoutChromium

test('the list searches, filters, and sorts, and its address says how', { skip }, async (t: TestContext) => {
  const { page, row } = await openItems(t, [
    item('Green tea', 4.99),
    item('Black tea', 3.5, { in_stock: false }),
    item('Dog biscuits', 7, { category: 'Pet' }),
  ])
  await page.getByText('3 items', { exact: true }).waitFor()
  await page.getByRole('searchbox').fill('tea')
  await page.getByText('2 items', { exact: true }).waitFor()
  t.assert.strictEqual(new URL(page.url()).search, '?q=tea')
  await page.getByRole('combobox', { name: 'Stock' }).selectOption('Sold out')
  await page.getByText('1 item', { exact: true }).waitFor()
  t.assert.strictEqual(new URL(page.url()).search, '?q=tea&in_stock=false')
  t.assert.ok(await row('Black tea').isVisible())
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await page.getByText('3 items', { exact: true }).waitFor()

  await page.getByRole('button', { name: 'Price', exact: true }).click()
  await eventually(
    () => names(page),
    (found) => found[0] === 'Black tea',
  )
  t.assert.strictEqual(await page.getByRole('columnheader', { name: 'Price' }).getAttribute('aria-sort'), 'ascending')
  await page.getByRole('button', { name: 'Category: All categories' }).click()
  await page.getByRole('checkbox', { name: 'Pet' }).check()
  await page.getByText('1 item', { exact: true }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('textbox', { name: 'Lowest price' }).fill('7,01')
  await page.getByRole('textbox', { name: 'Lowest price' }).press('Enter')
  await page.getByText('No items match.').waitFor()
  t.assert.strictEqual(new URL(page.url()).search, '?category=Pet&min_price=7.01&sort=price_usd')

  await page.goBack()
  await row('Dog biscuits').waitFor()
  t.assert.strictEqual(await page.getByRole('textbox', { name: 'Lowest price' }).inputValue(), '')
  await page.reload()
  await row('Dog biscuits').waitFor()
  t.assert.strictEqual(await page.locator('tbody tr').count(), 1)
})

test('short words are searched on Enter only', { skip }, async (t: TestContext) => {
  const { page } = await openItems(t, [item('Tea'), item('Coffee')])
  const search = page.getByRole('searchbox')
  await search.fill('te')
  await page.keyboard.press('Enter')
  await page.getByText('1 item', { exact: true }).waitFor()
  t.assert.strictEqual(new URL(page.url()).search, '?q=te')
  await search.fill('')
  await page.getByText('2 items', { exact: true }).waitFor()
})

test('pages lead forward and back, and a shared link to its page', { skip }, async (t: TestContext) => {
  const { page, tabs, inspect } = await openItems(t, numbered())
  const above = page.getByRole('navigation', { name: 'Pages, above the table' })
  await page.getByText('250 items', { exact: true }).waitFor()
  t.assert.strictEqual(await above.getByRole('button', { name: 'Previous' }).getAttribute('aria-disabled'), 'true')
  await above.getByRole('button', { name: 'Next' }).click()
  await above.getByText('Page 2').waitFor()
  await eventually(
    () => names(page),
    (found) => found[0] === 'Item 149',
  )
  const shared = page.url()
  await page.locator('body').press(']')
  await above.getByText('Page 3').waitFor()
  await eventually(
    () => names(page),
    (found) => found.length === 50,
  )
  t.assert.strictEqual(await above.getByRole('button', { name: 'Next' }).getAttribute('aria-disabled'), 'true')
  await inspect('items-last-page')
  await page.locator('body').press('[')
  await above.getByText('Page 2').waitFor()
  await page.goBack()
  await page.goBack()
  await above.getByText('Page 2').waitFor()
  t.assert.strictEqual(page.url(), shared)

  const other = await tabs.newPage()
  await other.goto(shared)
  await other.getByText('Item 149').waitFor()
  await other
    .getByRole('navigation', { name: 'Pages, above the table' })
    .getByRole('button', { name: 'Previous' })
    .click()
  await other.getByText('Item 249').waitFor()
})

test('an item opens over its page, and closes to it', { skip }, async (t: TestContext) => {
  const { page, tabs } = await openItems(t, numbered(120))
  const above = page.getByRole('navigation', { name: 'Pages, above the table' })
  await above.getByRole('button', { name: 'Next' }).click()
  await above.getByText('Page 2').waitFor()
  const list = page.url()
  await page.getByRole('link', { name: 'Item 010' }).click()
  const drawer = page.getByRole('dialog', { name: 'Item 010' })
  await drawer.getByLabel('Name').waitFor()
  t.assert.match(await page.title(), /^Item 010 – /)
  await drawer.getByRole('button', { name: 'Next item' }).click()
  await page.getByRole('dialog', { name: 'Item 009' }).waitFor()
  await page.getByRole('button', { name: 'Close' }).click()
  await drawer.waitFor({ state: 'detached' })
  t.assert.strictEqual(page.url(), list)
  await above.getByText('Page 2').waitFor()
  await eventually(
    () => focused(page),
    (text) => text === 'Item 009' || text === 'Item 010',
  )
  await page.goBack()
  await above.getByText('Page 1').waitFor()

  const [opened] = await Promise.all([
    tabs.waitForEvent('page'),
    page.getByRole('link', { name: 'Item 050' }).click({ modifiers: ['ControlOrMeta'] }),
  ])
  await opened.getByRole('dialog', { name: 'Item 050' }).getByLabel('Name').waitFor()
  t.assert.strictEqual(await page.getByRole('dialog').count(), 0)
})

test('rows and keys: move, open, select a range, and edit', { skip }, async (t: TestContext) => {
  const { page } = await openItems(t, numbered(8))
  await page.getByRole('link', { name: 'Item 007' }).focus()
  await page.keyboard.press('j')
  await page.keyboard.press('ArrowDown')
  t.assert.strictEqual(await focused(page), 'Item 005')
  await page.keyboard.press('k')
  await page.keyboard.press('x')
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('Shift+X')
  await page.getByText('3 items selected').waitFor()
  await page.keyboard.press('e')
  t.assert.strictEqual(await page.getByLabel('Price of Item 004 in US dollars').inputValue(), '5.00')
  await page.keyboard.press('Escape')
  t.assert.match(await focused(page), /^\$5\.00/)
  await page.keyboard.press('ArrowUp')
  t.assert.match(await focused(page), /^\$6\.00/)
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter')
  const drawer = page.getByRole('dialog', { name: 'Item 005' })
  await drawer.waitFor()
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'hidden' })
  await page.keyboard.press('?')
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
  await help.waitFor()
  await page.keyboard.press('n')
  await page.keyboard.press('Escape')
  await help.waitFor({ state: 'hidden' })
  await page.keyboard.press('/')
  await page.keyboard.type('nx?')
  t.assert.strictEqual(await page.getByRole('searchbox').inputValue(), 'nx?')
})

test('keys act only if they are on, except in fields', { skip }, async (t: TestContext) => {
  const { page } = await openItems(t, numbered(3))
  await page.evaluate('localStorage.setItem("stockroom-keys", "off")')
  await page.reload()
  await page.getByRole('link', { name: 'Item 002' }).focus()
  await page.keyboard.press('n')
  await page.keyboard.press('j')
  t.assert.strictEqual(await focused(page), 'Item 002')
  await page.keyboard.press('ArrowDown')
  t.assert.strictEqual(await focused(page), 'Item 001')
})

type Evaluating = { evaluate<T>(script: string): Promise<T> }

function names(page: Evaluating): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('tbody .cell-name')].map((cell) => cell.textContent)`)
}

function focused(page: Evaluating): Promise<string> {
  return page.evaluate('document.activeElement.textContent')
}

test('a page that was seen before takes the rows within one frame', { skip }, async (t: TestContext) => {
  const { page } = await openItems(t, numbered(150))
  const above = page.getByRole('navigation', { name: 'Pages, above the table' })
  await above.getByRole('button', { name: 'Next' }).click()
  await page.getByText('Item 049').waitFor()
  const result = await page.evaluate(`new Promise((done) => {
    const row = document.querySelector('tbody tr')
    const previous = [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Previous')
    previous.click()
    requestAnimationFrame(() => done({ name: row.querySelector('a').textContent, isKept: row.isConnected }))
  })`)
  t.assert.deepStrictEqual(result, { name: 'Item 149', isKept: true })
})
