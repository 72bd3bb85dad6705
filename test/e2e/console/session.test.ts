import { test, type TestContext } from 'node:test'

import type { Page } from 'playwright-core'

import { withoutChromium } from '../../support/browser.ts'
import { ada, password, tea } from '../../support/fixtures.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium

test('all tabs sign out and in together', { skip }, async (t: TestContext) => {
  const { page, newPage, open, signIn, origin } = await openConsole(t)
  await signIn(ada.email)
  await open()
  const other = await newPage()
  await other.goto(`${origin}/console/items?q=tea`)
  await heading(other, 'Items').waitFor()
  await signOut(page)
  await heading(page, 'Sign in').waitFor()
  await heading(other, 'Sign in').waitFor()
  t.assert.strictEqual(new URL(other.url()).searchParams.get('to'), '/console/items?q=tea')
  await fillSignIn(page)
  await heading(page, 'Items').waitFor()
  await heading(other, 'Items').waitFor()
  t.assert.strictEqual(new URL(other.url()).search, '?q=tea')
})

test('the first list is requested together with the session', { skip }, async (t: TestContext) => {
  const { page, open, signIn } = await openConsole(t)
  await (await signIn(ada.email)).post('/items', tea)
  await open()
  const sessionRequests: (() => void)[] = []
  await page.route('**/console/session', (route) => void sessionRequests.push(() => void route.continue()))
  const list = page.waitForResponse((response) => response.url().includes('/console/api/items?'))
  await page.reload({ waitUntil: 'commit' })
  t.assert.strictEqual((await list).status(), 200)
  t.assert.strictEqual(await page.getByText(tea.name).count(), 0)
  for (const answer of sessionRequests) answer()
  await page.getByText(tea.name).waitFor()
  await page.unroute('**/console/session')
  await signOut(page)
  await heading(page, 'Sign in').waitFor()
  const calls: string[] = []
  page.on('request', (request) => request.url().includes('/console/api/') && calls.push(request.url()))
  await open()
  await heading(page, 'Sign in').waitFor()
  t.assert.deepStrictEqual(calls, [])
})

test('Back after signing out shows no items', { skip }, async (t: TestContext) => {
  const { page, open, signIn } = await openConsole(t)
  await (await signIn(ada.email)).post('/items', tea)
  await open()
  await page.getByText(tea.name).waitFor()
  await signOut(page)
  await heading(page, 'Sign in').waitFor()
  await page.goBack()
  await heading(page, 'Sign in').waitFor()
  t.assert.strictEqual(await page.getByText(tea.name).count(), 0)
})

test('another manager in one tab is the manager in all', { skip }, async (t: TestContext) => {
  const { service, page, newPage, open, signIn, origin } = await openConsole(t)
  const grace = 'grace@example.com'
  await signIn(ada.email)
  await service.send({ method: 'POST', url: '/store-managers', payload: { name: 'Grace', email: grace, password } })
  await open()
  const other = await newPage()
  await other.goto(`${origin}/console/items`)
  await other.getByRole('button', { name: `Account of ${ada.name}` }).waitFor()
  await signOut(page)
  await heading(page, 'Sign in').waitFor()
  await fillSignIn(page, grace)
  for (const tab of [page, other]) await tab.getByRole('button', { name: 'Account of Grace' }).waitFor()
})

test('a session that ends elsewhere asks to sign in again', { skip }, async (t: TestContext) => {
  const { page, open, signIn, expectStatus } = await openConsole(t)
  const { post } = await signIn(ada.email)
  await post('/items', tea)
  expectStatus(401)
  await open()
  await page.getByText(tea.name).waitFor()
  await post('/store-managers/logout?scope=all')
  await page.getByRole('searchbox', { name: 'Search names' }).fill('green')
  const dialog = page.getByRole('alertdialog', { name: 'Sign in again' })
  await dialog.waitFor()
  await dialog.getByLabel('Password').fill('wrong password')
  await page.keyboard.press('Enter')
  await dialog.getByText('The email address or the password is wrong.').waitFor()
  await dialog.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'hidden' })
  await page.getByText(tea.name).waitFor()
  t.assert.strictEqual(new URL(page.url()).search, '?q=green')
})

test('a session that ends during a change loses nothing', { skip }, async (t: TestContext) => {
  const { page, open, signIn, expectStatus, inspect } = await openConsole(t)
  const { post } = await signIn(ada.email)
  const { id } = (await post('/items', tea)).json()
  expectStatus(401)
  await open(`items/${id}`)
  const drawer = page.getByRole('dialog', { name: tea.name })
  await drawer.getByLabel('Name').fill('White tea')
  await post('/store-managers/logout?scope=all')
  await drawer.getByRole('button', { name: 'Save' }).click()
  const dialog = page.getByRole('alertdialog', { name: 'Sign in again' })
  await dialog.getByLabel('Password').waitFor()
  t.assert.strictEqual(await drawer.getByLabel('Name').inputValue(), 'White tea')
  await inspect('session-over')
  await dialog.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await page.getByText('Saved White tea.').waitFor()
})

function heading(page: Page, name: string) {
  return page.getByRole('heading', { name, level: 1 })
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Account of/ }).click()
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
}

async function fillSignIn(page: Page, email: string = ada.email): Promise<void> {
  await page.getByRole('textbox', { name: 'Email' }).fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.keyboard.press('Enter')
}
