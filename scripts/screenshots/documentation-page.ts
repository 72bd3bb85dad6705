import { join } from 'node:path'

import type { Browser } from 'playwright-core'

export async function takeDocumentationPage(browser: Browser, url: string, images: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1100, height: 600 }, colorScheme: 'light' })
  await page.goto(`${url}/scalar#tag/items/GET/items`)
  await page.getByRole('button', { name: 'Test Request (get /items)', exact: true }).waitFor()
  await page.evaluate('document.fonts.ready')
  await page.screenshot({ path: join(images, 'documentation-page.png'), animations: 'disabled' })
  await page.close()
}
