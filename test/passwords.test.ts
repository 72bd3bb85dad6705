import { availableParallelism } from 'node:os'
import { test, type TestContext } from 'node:test'

import bcrypt from 'bcrypt'

import { openPasswords } from '../src/auth/passwords.ts'
import { onServer, openApp, password, type TestApp } from './support/app.ts'

const long = 'a'.repeat(72)

test('a password of 71, 72 or 73 bytes counts to its end', async (t: TestContext) => {
  const { register, logIn } = await openApp(t)
  for (const [index, right] of [long.slice(1), long, `${long}x`].entries()) {
    const email = `ada${index}@example.com`
    await register(email, right)
    t.assert.strictEqual((await logIn(email, right)).statusCode, 200)
    for (const wrong of [`${right}y`, right.slice(1), `${right.slice(1)}y`]) {
      t.assert.strictEqual((await logIn(email, wrong)).statusCode, 401)
    }
  }
})

test('a password of 72 bytes in fewer characters counts to its end as well', async (t: TestContext) => {
  const { register, logIn } = await openApp(t)
  await register('ada@example.com', `${'🍵'.repeat(18)}x`)
  t.assert.strictEqual((await logIn('ada@example.com', `${'🍵'.repeat(18)}x`)).statusCode, 200)
  t.assert.strictEqual((await logIn('ada@example.com', `${'🍵'.repeat(18)}y`)).statusCode, 401)
})

// Made by Python's bcrypt, as the original service did, which truncates: hashpw(…, gensalt(4)).
const original = '$2b$04$EjyAH6SX9i5T3KTxleJ7/OCSDraKil0QIhzklLSxerZeMGcqQcol.'
const originalOfLong = '$2b$04$YLxFUvgytmxCJcV.KZ.ALuROwyUhT5xwtX8Rko5ZGLVaCwWrhijS.'

test('a hash of the original service lets its manager in, also one of a password over 72 bytes', async (t: TestContext) => {
  const app = await openApp(t)
  await app.register('ada@example.com', 'something else')
  await setHash(app, original)
  t.assert.strictEqual((await app.logIn('ada@example.com')).statusCode, 200)
  await setHash(app, originalOfLong)
  t.assert.strictEqual((await app.logIn('ada@example.com', `${long}x`)).statusCode, 200)
  t.assert.strictEqual((await app.logIn('ada@example.com', `b${long}x`)).statusCode, 401)
})

test('a login makes a hash of another cost anew, and the password goes on working', async (t: TestContext) => {
  const app = await openApp(t)
  await app.register('ada@example.com')
  for (const cost of [5, 6]) {
    await setHash(app, await bcrypt.hash(password, cost))
    t.assert.strictEqual((await app.logIn('ada@example.com', 'wrong horse battery')).statusCode, 401)
    t.assert.strictEqual(bcrypt.getRounds(await hashOf(app)), cost)
    t.assert.strictEqual((await app.logIn('ada@example.com')).statusCode, 200)
    t.assert.strictEqual(bcrypt.getRounds(await hashOf(app)), 4)
    t.assert.strictEqual((await app.logIn('ada@example.com')).statusCode, 200)
  }
})

test('a truncated hash of the original is not made anew, for what follows 72 bytes is not known', async (t: TestContext) => {
  const app = await openApp(t)
  await app.register('ada@example.com')
  const truncated = await bcrypt.hash(long, 5)
  await setHash(app, truncated)
  t.assert.strictEqual((await app.logIn('ada@example.com', `${long}x`)).statusCode, 200)
  t.assert.strictEqual(await hashOf(app), truncated)
})

test('by default a hash costs 2^12 rounds', async (t: TestContext) => {
  const { register, context, server } = await openApp(t, { BCRYPT_COST: '12' })
  await register('ada@example.com')
  const { rows } = await onServer(server, `select password_hash from ${context.config.pool.schema}.store_managers`)
  t.assert.match(rows[0].password_hash, /^\$2b\$12\$/)
})

test('a core stays free, however many passwords are checked at once', async (t: TestContext) => {
  const passwords = openPasswords(4)
  const { hash } = bcrypt
  let [running, most] = [0, 0]
  t.mock.method(bcrypt, 'hash', async (plain: string, cost: number) => {
    most = Math.max(most, ++running)
    return hash(plain, cost).finally(() => running--)
  })
  await Promise.all(Array.from({ length: 20 }, () => passwords.hash(password)))
  t.assert.strictEqual(most, Math.max(1, availableParallelism() - 1))
})

test('nobody and somebody cost the same work, whatever the cost of the hash', async (t: TestContext) => {
  const cost = 10
  const passwords = openPasswords(cost)
  await passwords.verify(password, undefined)
  const rounds = counting(t)
  await passwords.verify(password, undefined)
  t.assert.strictEqual(rounds(), 2 ** cost)
  for (const hashed of [
    await bcrypt.hash('other', cost),
    await bcrypt.hash('other', 8),
    await bcrypt.hash('other', 4),
  ]) {
    rounds()
    t.assert.deepStrictEqual(await passwords.verify(password, hashed), {
      right: false,
      outdated: bcrypt.getRounds(hashed) !== cost,
    })
    t.assert.strictEqual(rounds(), 2 ** cost)
  }
})

async function setHash({ server, context }: TestApp, hash: string): Promise<void> {
  await onServer(server, `update ${context.config.pool.schema}.store_managers set password_hash = $1`, [hash])
}

async function hashOf({ server, context }: TestApp): Promise<string> {
  const { rows } = await onServer(server, `select password_hash from ${context.config.pool.schema}.store_managers`)
  return rows[0].password_hash
}

/** Watches bcrypt work. What it returns says how many rounds there were since it was last asked. */
function counting(t: TestContext): () => number {
  const hash = t.mock.method(bcrypt, 'hash')
  const compare = t.mock.method(bcrypt, 'compare')
  return () => {
    const costs = [
      ...hash.mock.calls.map(({ arguments: [, rounds] }) => Number(rounds)),
      ...compare.mock.calls.map(({ arguments: [, hashed] }) => bcrypt.getRounds(hashed)),
    ]
    hash.mock.resetCalls()
    compare.mock.resetCalls()
    return costs.reduce((sum, cost) => sum + 2 ** cost, 0)
  }
}
