import { join } from 'node:path'

import type { Browser, Page } from 'playwright-core'

import { ada, fillStore, password } from './store.ts'

const spreadsheet = `Article;Supplier;Department;Price;Available
Watering can;Garden AG;Household;19,50;yes
Dog biscuits, small;Bone Ltd;Pets;4,95x;yes
Rubber duck;Float Inc;Household;3,25;no
Tea towel;Leaf;Kitchen;7,90;yes
`

/** The pictures of README.md and docs/console.md. */
export async function takeConsole(browser: Browser, url: string, images: string): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: 1180, height: 720 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
    locale: 'en-US',
  })
  const take = (name: string) => page.screenshot({ path: join(images, `console-${name}.png`), animations: 'disabled' })
  const open = async (address: string) => {
    await page.goto(`${url}/console/${address}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await settle(page)
  }
  await fillStore(url)
  await page.goto(`${url}/console`)
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await take('sign-in')
  await signIn(page)

  await open('items?sort=name')
  await take('items')
  await page.getByRole('button', { name: /price of Apron/ }).click()
  await page.keyboard.type('18.5')
  await take('price')
  await page.keyboard.press('Escape')

  await open('items?category=Pet')
  await page.getByRole('checkbox', { name: 'Select all items on this page' }).check()
  await page.getByRole('button', { name: 'Change…' }).click()
  await page.getByRole('dialog').getByLabel('Percent').fill('10')
  await settle(page)
  await take('bulk')

  await open('items?q=green+tea')
  await page.getByRole('link', { name: 'Green tea, 100 bags' }).click()
  await page.getByRole('dialog').getByText('$5.25').first().waitFor()
  await take('item')

  await open('changes')
  await take('changes')
  await open('overview')
  await take('overview')

  await page.setViewportSize({ width: 1180, height: 1080 })
  await open('import')
  const file = { name: 'articles.csv', mimeType: 'text/csv', buffer: Buffer.from(spreadsheet) }
  await page.locator('input[type=file]').setInputFiles(file)
  await page.getByRole('button', { name: 'Check 4 rows' }).click()
  await page.getByRole('table', { name: 'Rows that are left out' }).waitFor()
  await page.evaluate('scrollTo(0, document.body.scrollHeight)')
  await take('import')

  await page.setViewportSize({ width: 390, height: 780 })
  await open('items?sort=name')
  await take('phone')
  await page.close()
}

async function signIn(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Email' }).fill(ada)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Items', level: 1 }).waitFor()
}

/** Counts, previews, and charts follow what the page shows first; the feed of changes never ends, so the network is never idle. */
function settle(page: Page): Promise<void> {
  return page.waitForTimeout(1_000)
}
