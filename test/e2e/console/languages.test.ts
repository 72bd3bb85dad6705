import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { password, tea } from '../../support/fixtures.ts'
import { openConsole, type TestConsole } from './support.ts'

const skip = withoutChromium
const email = 'ada@example.com'

test('a German browser gets the console in German', { skip }, async (t: TestContext) => {
  const { page, open, inspect } = await openGerman(t)
  await open('overview')
  await page.getByRole('heading', { name: 'Anmelden' }).waitFor()
  t.assert.strictEqual(await page.getAttribute('html', 'lang'), 'de')
  await inspect('de-sign-in')
  await page.getByRole('textbox', { name: /^E.Mail/ }).fill(email)
  await page.getByRole('textbox', { name: 'Passwort' }).fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Übersicht' }).waitFor()
  await page.getByRole('link', { name: 'Lebensmittel' }).waitFor()
  await inspect('de-overview')
  await open('account')
  await inspect('de-account')
})

test('items and changes are in German', { skip }, async (t: TestContext) => {
  const { page, open, signIn, expectStatus, inspect } = await openGerman(t)
  await signIn(email)
  await open('changes')
  await page.getByRole('row', { name: /Änderung: Green tea.*1.234,50/ }).waitFor()
  await inspect('de-changes')
  await page.getByRole('button', { name: 'Rückgängig machen: Änderung, Green tea' }).click()
  await page.getByText('1 Artikel erhält seine früheren Werte.').waitFor()
  await page.getByRole('button', { name: 'Abbrechen' }).click()
  await open('items')
  await page.getByText('1 Artikel', { exact: true }).waitFor()
  await inspect('de-items')
  expectStatus(422)
  await open('items?after=nonsense')
  await page.getByText('Der Laden hat das nicht angenommen.').waitFor()
})

test('the import is in German', { skip }, async (t: TestContext) => {
  const { page, open, signIn, inspect } = await openGerman(t)
  await signIn(email)
  await open('import')
  await page.locator('input[type=file]').setInputFiles({
    name: 'artikel.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('Artikel;Gruppe;Preis;Lager\nGießkanne;Garten;12,50;bald\n'),
  })
  await page.getByRole('button', { name: '1 Zeile prüfen' }).click()
  await page.getByText('Geben Sie eine der acht Kategorien').waitFor()
  await inspect('de-import')
})

test('a browser of another language gets the console in English', { skip }, async (t: TestContext) => {
  const { page, open } = await openConsole(t, {}, 'fr-FR')
  await open('sign-in')
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  t.assert.strictEqual(await page.getAttribute('html', 'lang'), 'en')
})

/** A store with one item, whose price was changed. */
async function openGerman(t: TestContext): Promise<TestConsole> {
  const console = await openConsole(t, {}, 'de-AT')
  const ada = await console.service.signIn(email)
  const { id } = (await ada.post('/items', tea)).json()
  await ada.patch(`/items/${id}`, { price_usd: 1234.5 })
  return console
}
