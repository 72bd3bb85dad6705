import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { password, tea } from '../../support/fixtures.ts'
import { openConsole } from './support.ts'

const skip = withoutChromium
const email = 'ada@example.com'

test('a German browser gets the console in German', { skip }, async (t: TestContext) => {
  const { service, page, open, expectStatus, inspect } = await openConsole(t, {}, 'de-AT')
  const ada = await service.signIn(email)
  const { id } = (await ada.post('/items', tea)).json()
  await ada.patch(`/items/${id}`, { price_usd: 1234.5 })
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
  await page.getByRole('link', { name: 'Änderungen', exact: true }).click()
  await page.getByRole('row', { name: /Änderung: Green tea.*1.234,50/ }).waitFor()
  await inspect('de-changes')
  await page.getByRole('button', { name: 'Rückgängig machen: Änderung, Green tea' }).click()
  await page.getByText('1 Artikel erhält seine früheren Werte.').waitFor()
  await page.getByRole('button', { name: 'Abbrechen' }).click()
  await open('account')
  await inspect('de-account')
  await open('items')
  await page.getByText('1 Artikel', { exact: true }).waitFor()
  await inspect('de-items')
  expectStatus(422)
  await open('items?after=nonsense')
  await page.getByText('Der Laden hat das nicht angenommen.').waitFor()
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
