import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { readConfig } from '../../src/config/config.ts'
import { temporaryFolder } from '../support/service.ts'

const secrets: Record<string, string> = {
  DATABASE_URL: 'postgres://ada:word@db.example/shop',
  POSTGRES_PASSWORD: 'word',
  JWT_SECRET: 'x'.repeat(32),
  JWT_SECRET_PREVIOUS: 'y'.repeat(32),
  REDIS_URL: 'redis://:word@cache.example',
  REDIS_PASSWORD: 'word',
  REDIS_SENTINEL_PASSWORD: 'word',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=word',
}

test('a secret is read from the file that NAME_FILE names', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const env: Record<string, string> = { REDIS_HOST: 'cache.example' }
  for (const name of ['DATABASE_URL', 'JWT_SECRET', 'REDIS_PASSWORD']) {
    env[`${name}_FILE`] = join(folder, name)
    await writeFile(join(folder, name), `\uFEFF${secrets[name]}\r\n`)
  }
  const config = readConfig(env)
  t.assert.partialDeepStrictEqual(config.postgres, { host: 'db.example', password: 'word' })
  t.assert.strictEqual(config.tokens.secret, secrets['JWT_SECRET'])
  t.assert.strictEqual(config.redis?.password, 'word')

  await writeFile(join(folder, 'REDIS_URL'), 'redis://:word@cache.example')
  t.assert.strictEqual(readConfig({ REDIS_URL_FILE: join(folder, 'REDIS_URL') }).redis?.password, 'word')

  const password = join(folder, 'password')
  await writeFile(password, ' with spaces ')
  const other = { POSTGRES_HOST: 'h', POSTGRES_PASSWORD_FILE: password, JWT_SECRET: secrets['JWT_SECRET'] }
  t.assert.strictEqual(readConfig(other).postgres?.password, ' with spaces ')
})

test('a secret file that is missing, empty, or one of two is refused', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const empty = join(folder, 'empty')
  await writeFile(empty, '\n')
  for (const [name, value] of Object.entries(secrets)) {
    const file = `${name}_FILE`
    const fails = (env: Record<string, string>, said: string) =>
      t.assert.throws(
        () => readConfig(env),
        (error: Error) => error.message.includes(said) && !error.message.includes(folder),
      )
    fails({ [file]: join(folder, 'missing') }, `${file} names a file that cannot be read (ENOENT)`)
    fails({ [file]: folder }, `${file} names a file that cannot be read (EISDIR)`)
    fails({ [file]: empty }, `${file} names an empty file`)
    fails({ [file]: empty, [name]: value }, `${name} and ${file} are both set: unset one`)
  }
})

test('a secret file that is not UTF-8 text is refused', async (t: TestContext) => {
  const file = join(await temporaryFolder(t), 'secret')
  for (const bytes of [Buffer.alloc(64, 0xff), Buffer.from('x'.repeat(64), 'utf16le'), Buffer.alloc(64)]) {
    await writeFile(file, bytes)
    t.assert.throws(() => readConfig({ JWT_SECRET_FILE: file }), /JWT_SECRET_FILE names a file that is not UTF-8 text/)
  }
})

test('a secret of a file is checked like one of the environment', async (t: TestContext) => {
  const file = join(await temporaryFolder(t), 'secret')
  await writeFile(file, 'short')
  t.assert.throws(() => readConfig({ JWT_SECRET_FILE: file }), /JWT_SECRET is too short: HS256 needs at least 32 bytes/)
})

test('commands of operators do not read files of other secrets', (t: TestContext) => {
  const env = { POSTGRES_HOST: 'h', JWT_SECRET_FILE: '/missing', REDIS_PASSWORD_FILE: '/missing' }
  t.assert.strictEqual(readConfig(env, false).postgres?.host, 'h')
})
