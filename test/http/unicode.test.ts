import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { normalized } from '../../src/http/unicode.ts'
import { openApp } from '../support/app.ts'
import { cpuTime } from '../support/cpu-time.ts'

/** In the order that takes longest to sort: with the most that fit in a body, more than five seconds each time. */
const marksOf = (length: number) => `a${'\u0301'.repeat(length / 2)}${'\u0323'.repeat(length / 2)}`
const marks = marksOf(30_000)
/** A form needs six bytes for each. */
const fewer = marksOf(10_000)
const allowed = 2_000

test('bodies full of combining marks take no time to normalize', async (t: TestContext) => {
  const { app, register, logIn } = await openApp(t)
  const begunAt = cpuTime()
  t.assert.strictEqual((await register('ada@example.com', marks)).statusCode, 201)
  t.assert.strictEqual((await register('bob@example.com', fewer)).statusCode, 201)
  t.assert.strictEqual((await logIn('bob@example.com', fewer)).statusCode, 200)
  t.assert.strictEqual((await logIn('bob@example.com', `${fewer}b`)).statusCode, 401)
  for (const email of [`${fewer}@example.com`, `ada@${fewer}.com`]) {
    t.assert.strictEqual((await register(email)).statusCode, 422)
    t.assert.strictEqual((await logIn(email)).statusCode, 401)
  }
  const payload = { code: 'AAAA', password: marks }
  const reset = await app.inject({ method: 'POST', url: '/store-managers/reset-password', payload })
  t.assert.strictEqual(reset.statusCode, 403)
  t.assert.ok(cpuTime() - begunAt < allowed, `${cpuTime() - begunAt} ms`)
})

test('text is normalized unless it has more than 30 marks in a row', (t: TestContext) => {
  t.assert.strictEqual(normalized('o\u0308'.repeat(100), 'NFC'), 'ö'.repeat(100))
  t.assert.strictEqual(normalized('ﬁ', 'NFKC'), 'fi')
  const ofLength = (length: number) => `o\u0308${'\u0301'.repeat(length - 1)}`
  t.assert.strictEqual(normalized(ofLength(30), 'NFC'), `ö${'\u0301'.repeat(29)}`)
  t.assert.strictEqual(normalized(ofLength(31), 'NFC'), ofLength(31))
})

test('text of clients is normalized nowhere else', async (t: TestContext) => {
  const places: string[] = []
  for await (const path of glob('src/**/*.ts', { exclude: ['src/database/**'] })) {
    if (readFileSync(path, 'utf8').includes('.normalize(')) places.push(path)
  }
  t.assert.deepStrictEqual(places, ['src/http/unicode.ts'])
})
