import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

import type { Browser, BrowserContext, Page } from 'playwright-core'

import { type Manager, openApp, type TestApp } from '../../support/app.ts'
import { openBrowser } from '../../support/browser.ts'
import { closeAfter } from '../../support/cleanup.ts'
import { ada, password, tea } from '../../support/fixtures.ts'
import { signInAt } from '../../support/service.ts'

/** The console of a service in Chromium, and what must not happen in it. */
export interface ConsolePage {
  origin: string
  browser: Browser
  /** Cookies, and what else tabs share. */
  tabs: BrowserContext
  page: Page
  newPage(): Promise<Page>
  /** Puts the cookie of a registered manager into the browser, without the form. */
  signIn(email: string): Promise<unknown>
  /** Opens an address of the console, such as `items?q=tea`. */
  open(address?: string): Promise<void>
  /** Errors of the browser's console, violations of the policy, and requests to other origins; `expect` is called first. */
  complaints: string[]
  /** Statuses of responses that the test provokes, which the browser reports as errors. */
  expectStatus(...statuses: number[]): void
  /** Looks for accessibility errors at three widths, light and dark, and writes screenshots to coverage/console/. */
  inspect(name: string): Promise<void>
}

export const folder = join(import.meta.dirname, '../../../coverage/console')
const widths = [1280, 390, 320]
const height = 900
/** Without TLS. */
const harmless = /^The Cross-Origin-Opener-Policy header has been ignored/
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

export interface TestConsole extends ConsolePage {
  service: TestApp
  /** Registers the manager if need be, and signs in, in the browser and as a client of the API. */
  signIn(email: string): Promise<Manager>
}

/** A service on stores of its own, with these settings, and its console. */
export async function openConsole(
  t: TestContext,
  env: Record<string, string> = {},
  locale?: string,
): Promise<TestConsole> {
  const service = await openApp(t, env)
  const { port } = new URL(await service.app.listen({ port: 0 }))
  const console = await openConsolePage(t, `http://localhost:${port}`, '', locale)
  const signIn = async (email: string) => {
    const manager = await service.signIn(email)
    await console.signIn(email)
    return manager
  }
  return { service, ...console, signIn }
}

/** The console of the service at `origin`, whose host name may be any: it is that of this machine. */
export async function openConsolePage(
  t: TestContext,
  origin: string,
  prefix = '',
  locale = 'en-US',
): Promise<ConsolePage> {
  const { hostname } = new URL(origin)
  const browser = await openBrowser(t, [`--host-resolver-rules=MAP ${hostname} localhost`])
  const tabs = await browser.newContext({
    viewport: { width: 1280, height },
    locale,
    timezoneId: 'UTC',
    colorScheme: 'light',
    ignoreHTTPSErrors: true,
  })
  // Before the service, which would cut the stream of changes off.
  closeAfter(t, () => tabs.close())
  const complaints: string[] = []
  const expected = new Set<number>()
  await tabs.addInitScript({ content: reportViolations })
  tabs.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`request to ${request.url()}`)
  })
  tabs.on('weberror', (error) => complaints.push(String(error.error())))
  tabs.on('console', (message) => {
    const [, status] =
      /^Failed to load resource: the server responded with a status of (\d+)/.exec(message.text()) ?? []
    const isExpected = expected.has(Number(status)) || harmless.test(message.text())
    if (message.type() === 'error' && !isExpected) complaints.push(message.text())
  })
  // Before the service closes, because pages may be sending requests.
  closeAfter(t, async () => {
    const found = [...complaints]
    await tabs.close()
    t.assert.deepStrictEqual(found, [])
  })
  const page = await tabs.newPage()
  const base = `${origin}${prefix}/console/`

  return {
    origin,
    browser,
    tabs,
    page,
    complaints,
    newPage: () => tabs.newPage(),
    expectStatus: (...statuses) => {
      for (const status of statuses) expected.add(status)
    },
    async signIn(email) {
      const response = await tabs.request.post(`${base}session`, {
        headers: { origin, 'sec-fetch-site': 'same-origin' },
        data: { email, password },
      })
      if (!response.ok()) throw new Error(`sign-in failed: ${await response.text()}`)
    },
    async open(address = 'items') {
      await page.goto(base + address)
      await page.getByRole('heading', { level: 1 }).waitFor()
    },
    inspect: (name) => inspect(t, page, name),
  }
}

/** Of the service at `url`, by way of `origin`: signs in with the form, creates an item, follows the feed, and signs out. @returns the cookie of the session */
export async function useConsole(t: TestContext, url: string, origin: string, prefix = '') {
  await signInAt(url, ada.email)
  const { page, tabs, open } = await openConsolePage(t, origin, prefix)
  await open('items')
  await page.getByRole('textbox', { name: 'Email' }).fill(ada.email)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Items', level: 1 }).waitFor()
  const [cookie] = await tabs.cookies()
  const result = await page.evaluate<string>(`new Promise((done) => {
    const body = '${JSON.stringify(tea)}'
    const { base } = document.documentElement.dataset
    const feed = new EventSource(base + 'api/changes/feed?since=now')
    const create = () => fetch(base + 'api/items', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    feed.onopen = () => create().then(({ status }) => status === 201 || done('status ' + status))
    feed.onmessage = ({ data }) => {
      feed.close()
      done(data)
    }
    setTimeout(() => done('no event'), 20_000)
  })`)
  t.assert.ok(result.includes(tea.name), result)
  await page.reload()
  await page.getByText(tea.name).waitFor()
  await page.getByRole('button', { name: `Account of ${ada.name}` }).click()
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
  await page.getByRole('heading', { name: 'Sign in', level: 1 }).waitFor()
  t.assert.deepStrictEqual(await tabs.cookies(), [])
  return cookie
}

const reportViolations = `addEventListener('securitypolicyviolation', (event) =>
  console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))`

async function inspect(t: TestContext, page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    for (const width of widths) {
      await page.setViewportSize({ width, height })
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), animations: 'disabled' })
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
      t.assert.ok(overflow <= 0, `${name} is ${overflow} px wider than ${width} px`)
      t.assert.deepStrictEqual(await findViolations(page), [], `${name} at ${width} px, ${colorScheme}`)
    }
  }
  await page.setViewportSize({ width: 1280, height })
  await page.emulateMedia({ colorScheme: 'light', forcedColors: 'active' })
  await page.screenshot({ path: join(folder, `${name}-forced-colors.png`), animations: 'disabled' })
  const underlined = await page.evaluate<(string | null)[]>(`[...document.querySelectorAll('.top nav a')]
    .filter((link) => getComputedStyle(link).borderBottomColor !== getComputedStyle(link.closest('.top')).backgroundColor)
    .map((link) => link.ariaCurrent)`)
  t.assert.ok(!underlined.includes(null), `${name}: another screen is underlined in forced colors`)
  await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none', reducedMotion: null })
}

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  help: string
  nodes: { target: unknown[]; html: string }[]
}

/** A line for each element with an accessibility error. */
async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(`window.axe ?? (() => { ${await axe} })()`)
  const violations = await page.evaluate<Violation[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(standards)}, resultTypes: ['violations'] }).then((result) => result.violations)`,
  )
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, html }) => `${id}: ${help}: ${target.join(' ')} ${html.slice(0, 200)}`),
  )
}
