import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { password } from '../../support/fixtures.ts'
import { issueCode } from '../../support/reset-codes.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium
const email = 'ada@example.com'

test('the console signs in with Enter and returns to the page', { skip }, async (t: TestContext) => {
  const { service, page, open, expectStatus, inspect } = await openConsole(t)
  await service.signIn(email)
  expectStatus(401)
  await open('items?q=green+tea')
  await page.waitForURL(/sign-in\?to=/)
  t.assert.strictEqual(await page.title(), 'Sign in – Stockroom')
  await inspect('sign-in')
  await page.keyboard.press('Enter')
  await page.getByText('Enter an email address').waitFor()
  await page.getByRole('textbox', { name: 'Email' }).fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong password')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('The email address or the password is wrong.').waitFor()
  await inspect('sign-in-wrong')
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Items', exact: true }).waitFor()
  t.assert.strictEqual(new URL(page.url()).search, '?q=green+tea')
})

test('the sign-in leads to no other origin', { skip }, async (t: TestContext) => {
  const { open, page, origin, signIn } = await openConsole(t)
  await signIn(email)
  for (const to of ['//example.com/', 'https://example.com/console/items', '/scalar', '/console/sign-in']) {
    await open(`sign-in?${new URLSearchParams({ to }).toString()}`)
    await page.getByRole('heading', { name: 'Items', exact: true }).waitFor()
    t.assert.strictEqual(page.url(), `${origin}/console/items`, to)
  }
})

test('the session ends with the browser unless one stays signed in', { skip }, async (t: TestContext) => {
  const { service, page, tabs, open, expectStatus } = await openConsole(t)
  await service.signIn(email)
  expectStatus(401)
  for (const stays of [false, true]) {
    await page.goto('about:blank')
    await tabs.clearCookies()
    await open('sign-in')
    await page.getByRole('textbox', { name: 'Email' }).fill(email)
    await page.getByRole('textbox', { name: 'Password' }).fill(password)
    if (stays) await page.getByRole('checkbox', { name: 'Stay signed in' }).check()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Items', exact: true }).waitFor()
    const [cookie] = await tabs.cookies()
    t.assert.strictEqual(cookie?.expires === -1, !stays)
  }
  await page.goto('about:blank')
})

test('too many sign-ins are counted down', { skip }, async (t: TestContext) => {
  const { page, open, expectStatus, inspect } = await openConsole(t, { LOGIN_LIMIT_PER_ADDRESS: '2' })
  expectStatus(401, 429)
  await page.clock.install()
  await open('sign-in')
  await page.getByRole('textbox', { name: 'Email' }).fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong password')
  const button = page.getByRole('button', { name: 'Sign in' })
  for (const status of [401, 401, 429]) {
    const response = page.waitForResponse(/session$/)
    await button.click()
    t.assert.strictEqual((await response).status(), status)
  }
  await page.getByText('Try again in 15 minutes.').first().waitFor()
  t.assert.strictEqual(await button.getAttribute('aria-disabled'), 'true')
  await inspect('sign-in-throttled')
  await page.clock.fastForward('14:01')
  await page.getByText(/Try again in \d+ seconds?\./).waitFor()
  await page.clock.fastForward('01:00')
  await page.getByText('You can try again now.').waitFor()
  t.assert.strictEqual(await button.getAttribute('aria-disabled'), 'false')
})

test('a manager registers and is signed in', { skip }, async (t: TestContext) => {
  const { service, page, open, expectStatus, inspect } = await openConsole(t)
  await service.signIn(email)
  expectStatus(409, 422)
  await open('sign-in')
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByRole('heading', { name: 'Create an account' }).waitFor()
  await page.getByRole('textbox', { name: 'Your name' }).fill('Grace Hopper')
  await page.getByRole('textbox', { name: 'Email' }).fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill('password')
  await page.keyboard.press('Enter')
  await page.getByText('This password is easy to guess').waitFor()
  t.assert.strictEqual(await focusedName(page), 'password')
  await inspect('register-weak-password')
  await page.getByRole('textbox', { name: 'Password' }).fill('correct horse battery')
  await page.keyboard.press('Enter')
  await page.getByText('An account with this email address already exists.').waitFor()
  await page.getByRole('textbox', { name: 'Email' }).fill('grace@example.com')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Items', exact: true }).waitFor()
  await page.getByRole('button', { name: 'Account of Grace Hopper' }).waitFor()
})

test('a reset code of the operator sets a new password', { skip }, async (t: TestContext) => {
  const { service, page, open, expectStatus, inspect } = await openConsole(t)
  await service.signIn(email)
  const code = '3XJ4-9GQ0-T5VN-8KDW-ZE72-MH1C-RB6S-PAFY'
  await issueCode(service.context, code)
  expectStatus(403)
  await open('sign-in')
  await page.getByRole('link', { name: 'I have a reset code' }).click()
  await page.getByRole('heading', { name: 'Set a new password' }).waitFor()
  await page.getByRole('textbox', { name: 'Reset code' }).fill(code.replace('3', '4'))
  await page.getByRole('textbox', { name: 'New password' }).fill('staple horse battery')
  await page.keyboard.press('Enter')
  await page.getByText('This code is wrong, was used, or has expired.').waitFor()
  await inspect('reset-code')
  await page.getByRole('textbox', { name: 'Reset code' }).fill(code)
  await page.keyboard.press('Enter')
  await page.getByText('The new password is set. Sign in with it.').waitFor()
  await page.getByRole('textbox', { name: 'Email' }).fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill('staple horse battery')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Items', exact: true }).waitFor()
})

test('with registration closed, the sign-in tells whom to ask', { skip }, async (t: TestContext) => {
  const { page, open, inspect } = await openConsole(t, { REGISTRATION: 'closed' })
  await open('sign-in?new=')
  await page.getByText('To get an account, ask the operator of the store.').waitFor()
  t.assert.strictEqual(await page.getByRole('textbox', { name: 'Your name' }).count(), 0)
  t.assert.strictEqual(await page.getByRole('link', { name: 'Create an account' }).count(), 0)
  await inspect('sign-in-closed')
})

function focusedName(page: { evaluate: (script: string) => Promise<unknown> }): Promise<unknown> {
  return page.evaluate('document.activeElement.name')
}
