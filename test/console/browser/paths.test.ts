import { test, type TestContext } from 'node:test'

import { parsePath, safeTarget } from '../../../console/src/paths.ts'

const id = '019a6f1d-52c4-7d09-8f3e-6b0a94c7e215'

const cases: [path: string, screen: string, item?: string][] = [
  ['', 'items'],
  ['items', 'items'],
  ['items/', 'items'],
  ['items/new', 'items', 'new'],
  [`items/${id.toUpperCase()}`, 'items', id],
  ['overview', 'overview'],
  ['sign-in', 'sign-in'],
  ['items/7', 'missing'],
  [`items/${id}/more`, 'missing'],
  ['overview/new', 'missing'],
  ['constructor', 'missing'],
]

test('paths show their screens, and unknown ones a missing page', (t: TestContext) => {
  for (const [path, screen, item] of cases)
    t.assert.deepStrictEqual(parsePath(path), item === undefined ? { screen } : { screen, item }, path)
})

test('a sign-in leads only to pages of the console', (t: TestContext) => {
  const target = (to: string | null) => safeTarget(to, '/shop/console/', 'https://stockroom.example')
  t.assert.strictEqual(target('/shop/console/items?q=tea'), '/shop/console/items?q=tea')
  const others = [
    null,
    '',
    'https://evil.example/shop/console/items',
    '//evil.example/',
    '/scalar',
    'javascript:alert(1)',
  ]
  for (const to of [...others, '/shop/console/../scalar', '/shop/console/sign-in?to=x', '\\\\evil.example/x'])
    t.assert.strictEqual(target(to), '/shop/console/items', String(to))
})
