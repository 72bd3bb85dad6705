import type { TestContext } from 'node:test'

import type { Locator, Page, Response } from 'playwright-core'

import { openBrowser } from './browser.ts'
import { password } from './fixtures.ts'

/** An operation as the page shows it. */
export interface Operation {
  method: string
  path: string
}

/** The documentation page of a service. */
export interface ReferencePage {
  page: Page
  /** The form to sign in with. */
  authentication: Locator
  /** The URLs that the page has asked for. */
  requested: string[]
  /** The errors of its console, and what its policy did not allow. */
  complaints: string[]
  /** Loads the page, and signs a manager in. */
  signIn(email: string): Promise<void>
  /** Opens the editor of a request. */
  open(operation: Operation): Promise<RequestEditor>
}

export interface RequestEditor {
  dialog: Locator
  /** Presses Send. */
  send(): Promise<Response>
  close(): Promise<void>
}

export async function openReferencePage(t: TestContext, origin: string): Promise<ReferencePage> {
  const page = await (await openBrowser(t)).newPage({ ignoreHTTPSErrors: true })
  const requested: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  const report = 'console.error(`${event.violatedDirective} ${event.blockedURI}`)'
  await page.addInitScript({ content: `addEventListener('securitypolicyviolation', (event) => ${report})` })
  const authentication = page.getByRole('group', { name: 'Authentication', exact: true })
  const load = async () => {
    await page.goto(`${origin}/scalar`)
    await page.getByRole('heading', { name: 'Stockroom', level: 1 }).waitFor()
  }
  await load()

  return {
    page,
    authentication,
    requested,
    complaints,
    async signIn(email) {
      await load()
      await authentication.getByRole('combobox', { name: 'Username' }).fill(email)
      await authentication.getByRole('textbox', { name: 'Password' }).fill(password)
      await authentication.getByRole('button', { name: 'Authorize' }).click()
      await authentication.getByText('Access Token').waitFor()
    },
    async open({ method, path }) {
      await page.locator(`a[href$="/${method.toUpperCase()}${path}"]`).first().click()
      await page.getByRole('button', { name: `Test Request (${method} ${path})`, exact: true }).click()
      const dialog = page.getByRole('dialog', { name: 'API Client' })
      const isFetch = (response: Response) => response.request().resourceType() === 'fetch'
      return {
        dialog,
        async send() {
          const response = page.waitForResponse(isFetch)
          await dialog.getByRole('button', { name: `Send ${method} request to` }).click()
          const received = await response
          await dialog.getByRole('region', { name: 'Response' }).getByText(String(received.status())).first().waitFor()
          return received
        },
        async close() {
          await dialog.getByRole('button', { name: 'Close Client' }).click()
          await dialog.waitFor({ state: 'hidden' })
        },
      }
    },
  }
}
