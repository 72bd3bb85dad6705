import { test, type TestContext } from 'node:test'

import type { Page } from 'playwright-core'

import { withoutChromium } from '../../support/browser.ts'
import { password, tea } from '../../support/fixtures.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium
const email = 'ada@example.com'
const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

test('a manager changes name, email, and password', { skip }, async (t: TestContext) => {
  const { service, page, open, signIn, expectStatus, inspect } = await openConsole(t)
  const phone = await signIn(email)
  await service.signIn('grace@example.com')
  await open('account')
  await inspect('account')
  const name = region(page, 'Name')
  await name.getByRole('textbox').fill('Ada King')
  await name.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('button', { name: 'Account of Ada King' }).waitFor()
  await name.getByRole('textbox').fill(' ')
  await page.keyboard.press('Enter')
  await name.getByText('Enter your name.').waitFor()

  expectStatus(403, 409, 422)
  const address = region(page, 'Email')
  await address.getByRole('textbox', { name: 'Email address' }).fill('grace@example.com')
  await address.getByRole('textbox', { name: 'Current password' }).fill('wrong')
  await page.keyboard.press('Enter')
  await address.getByText('This is not your current password.').waitFor()
  await inspect('account-wrong-password')
  await address.getByRole('textbox', { name: 'Current password' }).fill(password)
  await page.keyboard.press('Enter')
  await address.getByText('An account with this email address already exists.').waitFor()
  await address.getByRole('textbox', { name: 'Email address' }).fill('king@example.com')
  await page.keyboard.press('Enter')
  await page.getByText('Email address changed.').waitFor()

  const secret = region(page, 'Password')
  await secret.getByRole('textbox', { name: 'New password' }).fill('password')
  await secret.getByRole('textbox', { name: 'Current password' }).fill(password)
  await page.keyboard.press('Enter')
  await secret.getByText('This password is easy to guess').waitFor()
  await secret.getByRole('textbox', { name: 'New password' }).fill('staple horse battery')
  await page.keyboard.press('Enter')
  await page.getByText('Password changed.').waitFor()
  t.assert.strictEqual((await phone.get('/items?limit=1')).statusCode, 401)
  await page.reload()
  await page.getByRole('heading', { name: 'Account', exact: true }).waitFor()
})

test('theme and keys are kept on the device', { skip }, async (t: TestContext) => {
  const { page, open, signIn } = await openConsole(t)
  await signIn(email)
  await open('account')
  await page.getByRole('combobox', { name: 'Theme' }).selectOption('Dark')
  const background = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
  t.assert.strictEqual(await background(), 'rgb(20, 23, 26)')
  await page.getByRole('checkbox', { name: 'Single letters' }).uncheck()
  await page.reload()
  await page.getByRole('heading', { name: 'Account', exact: true }).waitFor()
  t.assert.strictEqual(await background(), 'rgb(20, 23, 26)')
  await page.keyboard.press('g')
  await page.keyboard.press('o')
  t.assert.match(page.url(), /account$/)
  await page.getByRole('checkbox', { name: 'Single letters' }).check()
  await page.getByRole('heading', { name: 'Account', exact: true }).click()
  await page.keyboard.press('g')
  await page.keyboard.press('o')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
})

test('signing out everywhere ends all sessions', { skip }, async (t: TestContext) => {
  const { page, open, signIn, expectStatus } = await openConsole(t)
  const phone = await signIn(email)
  expectStatus(401)
  await open('account')
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out everywhere' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  t.assert.strictEqual((await phone.get('/items?limit=1')).statusCode, 401)
})

test('an account that owns items is not deleted', { skip }, async (t: TestContext) => {
  const { page, open, signIn, expectStatus, inspect } = await openConsole(t)
  const ada = await signIn(email)
  const { id } = (await ada.post('/items', tea)).json()
  expectStatus(401, 409)
  await open('account')
  await page.getByRole('button', { name: 'Delete account…' }).click()
  const dialog = page.getByRole('alertdialog', { name: 'Delete your account?' })
  await dialog.getByRole('textbox', { name: 'Current password' }).fill(password)
  await page.keyboard.press('Enter')
  await dialog.getByText('You still own 1 item.').waitFor()
  await inspect('account-delete')
  await ada.delete(`/items/${id}`)
  await dialog.getByRole('button', { name: 'Delete my account' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  t.assert.strictEqual((await ada.get('/store-managers/me')).statusCode, 401)
})
