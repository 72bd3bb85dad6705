import { test, type TestContext } from 'node:test'

import { withoutChromium } from '../../support/browser.ts'
import { eventually } from '../../support/until.ts'
import { item, openItems, registerMary, rowOf, stock } from './items.ts'

const skip = withoutChromium

test('prices are changed one after the other by keyboard alone', { skip }, async (t: TestContext) => {
  const { page, ada, row } = await openItems(t, [item('Coffee', 9), item('Tea', 5)])
  await page.getByRole('link', { name: 'Tea' }).focus()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.keyboard.type('4,75')
  await page.keyboard.press('Enter')
  await row('Tea')
    .getByRole('button', { name: /^\$4\.75/ })
    .waitFor()
  t.assert.strictEqual(await page.getByLabel('Price of Coffee in US dollars').inputValue(), '9.00')
  await page.keyboard.type('nonsense')
  await page.keyboard.press('Enter')
  await page.getByText('Enter a price such as 4.99.').waitFor()
  await page.keyboard.press('Escape')
  await row('Coffee')
    .getByRole('button', { name: /^\$9\.00/ })
    .waitFor()
  await eventually(
    () => pricesOf(ada),
    (prices) => prices.Tea === 4.75 && prices.Coffee === 9,
  )

  await page.getByText('Tea now costs $4.75.').waitFor()
  await page.getByRole('button', { name: 'Undo' }).focus()
  await page.keyboard.press('Enter')
  await page.getByText('Undone.').waitFor()
  await row('Tea')
    .getByRole('button', { name: /^\$5\.00/ })
    .waitFor()
  t.assert.strictEqual((await pricesOf(ada)).Tea, 5)
})

test('leaving a price saves it, and Escape gives up', { skip }, async (t: TestContext) => {
  const { page, ada, row, inspect } = await openItems(t, [item('Tea', 5)])
  await row('Tea')
    .getByRole('button', { name: /^\$5\.00/ })
    .click()
  await page.keyboard.type('6')
  await page.getByRole('heading', { level: 1 }).click()
  await eventually(
    () => pricesOf(ada),
    (prices) => prices.Tea === 6,
  )
  await row('Tea')
    .getByRole('button', { name: /^\$6\.00/ })
    .click()
  await page.keyboard.type('seven')
  await page.keyboard.press('Enter')
  await page.getByText('Enter a price such as 4.99.').waitFor()
  await inspect('items-invalid-price')
  await page.keyboard.press('Escape')
  await row('Tea')
    .getByRole('button', { name: /^\$6\.00/ })
    .waitFor()
  t.assert.strictEqual((await pricesOf(ada)).Tea, 6)
})

for (const decision of ['Keep $7.70', 'Use $5.50'] as const)
  test(`two managers change a price: ${decision}`, { skip }, async (t: TestContext) => {
    const { page, service, expectStatus, ada, row, inspect } = await openItems(t, [item('Tea', 5)], {
      ITEM_WRITES: 'shared',
    })
    expectStatus(412)
    const mary = await registerMary(service)
    await row('Tea')
      .getByRole('button', { name: /^\$5\.00/ })
      .click()
    await page.keyboard.type('5.5')
    await mary.patch(`/items/${await idOf(ada, 'Tea')}`, { price_usd: 7.7 })
    await page.keyboard.press('Enter')
    await row('Tea').getByText('Mary Seacole changed it to $7.70 in the meantime.').waitFor()
    if (decision === 'Keep $7.70') await inspect('items-price-conflict')
    await page.getByRole('button', { name: decision }).click()
    await page.getByText('in the meantime').waitFor({ state: 'detached' })
    const price = decision === 'Keep $7.70' ? 7.7 : 5.5
    await eventually(
      () => pricesOf(ada),
      (prices) => prices.Tea === price,
    )
    await row('Tea')
      .getByRole('button', { name: price === 7.7 ? /^\$7\.70/ : /^\$5\.50/ })
      .waitFor()
  })

test('a change of another field does not disturb a price', { skip }, async (t: TestContext) => {
  const { page, expectStatus, ada, row } = await openItems(t, [item('Tea', 5)], { REQUIRE_IF_MATCH: 'true' })
  expectStatus(412)
  const id = await idOf(ada, 'Tea')
  await row('Tea')
    .getByRole('button', { name: /^\$5\.00/ })
    .click()
  await page.keyboard.type('5.5')
  await ada.patch(`/items/${id}`, { in_stock: false }, { 'if-match': '*' })
  await page.keyboard.press('Enter')
  await eventually(
    () => pricesOf(ada),
    (prices) => prices.Tea === 5.5,
  )
  t.assert.strictEqual((await ada.get(`/items/${id}`)).json().in_stock, false)
})

test('prices of other managers are no buttons', { skip }, async (t: TestContext) => {
  const { page, service, row } = await openItems(t, [item('Tea', 5)])
  await stock(await registerMary(service), [item('Honey', 8)])
  await page.reload()
  await row('Honey').getByText('Mary Seacole').waitFor()
  t.assert.strictEqual(await row('Honey').getByRole('button').count(), 0)
  t.assert.strictEqual(await row('Tea').getByRole('button').count(), 1)
  await page.getByRole('link', { name: 'Honey' }).focus()
  await page.keyboard.press('e')
  t.assert.strictEqual(await page.getByRole('textbox', { name: /^Price of/ }).count(), 0)
})

test('a refused price is reverted with a reason, and can be edited again', { skip }, async (t: TestContext) => {
  const { page, ada, expectStatus } = await openItems(t, [item('Coffee', 9), item('Tea', 5)])
  expectStatus(404)
  const row = rowOf(page, 'Tea')
  await row.getByRole('button', { name: /^\$5\.00/ }).click()
  await page.keyboard.type('6')
  await ada.delete(`/items/${await idOf(ada, 'Tea')}`)
  await page.keyboard.press('Enter')
  await row.getByText('$6.00 was not saved. This item no longer exists.').waitFor()
  await row.getByRole('button', { name: /^\$5\.00/ }).waitFor()
})

type Manager = Awaited<ReturnType<typeof openItems>>['ada']

async function pricesOf(manager: Manager): Promise<Record<string, number>> {
  const items: { name: string; price_usd: number }[] = Object.values((await manager.get('/items')).json())
  return Object.fromEntries(items.map(({ name, price_usd }) => [name, price_usd]))
}

async function idOf(manager: Manager, name: string): Promise<string> {
  const items: { id: string; name: string }[] = Object.values((await manager.get('/items')).json())
  return items.find((each) => each.name === name)?.id ?? ''
}
