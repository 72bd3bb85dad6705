import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { generatedSecret } from '../../src/auth/generated-secret.ts'
import { temporaryFolder } from '../support/service.ts'

const good = 'x'.repeat(86)

test('the token secret is created once, for its user alone', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const secrets = await Promise.all(Array.from({ length: 8 }, () => generatedSecret(folder)))
  t.assert.strictEqual(new Set(secrets).size, 1)
  t.assert.match(secrets[0] ?? '', /^[\w-]{86}$/)
  t.assert.deepStrictEqual(await readdir(folder), ['jwt-secret'])
  t.assert.strictEqual((await stat(join(folder, 'jwt-secret'))).mode & 0o777, 0o600)
  t.assert.strictEqual(await generatedSecret(folder), secrets[0])
})

test('a token secret that another process has just created is kept', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  const secret = generatedSecret(folder)
  writeFileSync(join(folder, 'jwt-secret'), good, { mode: 0o600 })
  t.assert.strictEqual(await secret, good)
  t.assert.deepStrictEqual(await readdir(folder), ['jwt-secret'])
})

const unusable: [what: string, said: RegExp, arrange: (path: string) => Promise<unknown>][] = [
  ['empty', /it has 0 bytes/, (path) => writeFile(path, '', { mode: 0o600 })],
  ['one byte long', /it has 1 bytes, and at least 64/, (path) => writeFile(path, 'x', { mode: 0o600 })],
  [
    'filled up with line breaks',
    /it has 1 characters/,
    (path) => writeFile(path, `x${'\n'.repeat(85)}`, { mode: 0o600 }),
  ],
  ['too long', /more than 1024 bytes/, (path) => writeFile(path, good.repeat(12), { mode: 0o600 })],
  ['all zeros', /it is not text/, (path) => writeFile(path, Buffer.alloc(86), { mode: 0o600 })],
  ['readable by others', /\(mode 644\)/, (path) => writeFile(path, good, { mode: 0o644 })],
  ['readable by a group', /\(mode 640\)/, (path) => writeFile(path, good, { mode: 0o640 })],
  ['a folder', /it is not a file/, (path) => mkdir(path, { mode: 0o700 })],
  ['a FIFO', /it is not a file/, async (path) => execFileSync('mkfifo', ['-m', '600', path])],
  ['a socket', /no such device/, async (path) => once(createServer().listen(path).unref(), 'listening')],
  ['a dangling link', /it is a symbolic link/, (path) => symlink(`${path}.target`, path)],
  [
    'a symbolic link',
    /it is a symbolic link/,
    async (path) => {
      await writeFile(`${path}.target`, good, { mode: 0o600 })
      await symlink(`${path}.target`, path)
    },
  ],
]

for (const [what, said, arrange] of unusable) {
  test(`a token secret that is ${what} is refused`, async (t: TestContext) => {
    const path = join(await temporaryFolder(t), 'jwt-secret')
    await arrange(path)
    await t.assert.rejects(generatedSecret(join(path, '..')), (error: Error) => {
      t.assert.strictEqual(error.name, 'StartupError')
      t.assert.match(error.message, said)
      t.assert.match(error.message, /Remove it and restart: .* Or set JWT_SECRET\.$/)
      return true
    })
  })
}

const unlessRoot = process.getuid?.() !== 0 && 'only root can give a file away'

test('a token secret that belongs to another user is refused', { skip: unlessRoot }, async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'jwt-secret'), good, { mode: 0o600 })
  await chown(join(folder, 'jwt-secret'), 65_534, 65_534)
  await t.assert.rejects(generatedSecret(folder), /it belongs to user 65534/)
})
