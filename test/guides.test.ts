import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'

import { onServer } from './support/app.ts'
import { pasteBlocks } from './support/documents.ts'
import { openFastApiSchema } from './support/fastapi.ts'
import { realStores, settingsOf, startService, temporaryFolder } from './support/service.ts'

const root = join(import.meta.dirname, '..')
const documents = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md') && name !== 'README.md')

/** Begins without a running service. */
const moving = 'move-from-fastapi.md'
const guides = documents.filter((name) => name !== moving)

test('there is a guide for each task, and each is listed', async (t: TestContext) => {
  const list = await readFile(join(root, 'docs/README.md'), 'utf8')
  t.assert.ok(guides.length >= 4)
  for (const name of documents) t.assert.ok(list.includes(`(${name})`), name)
})

let packages = ''
before(async () => void (packages = await installPackage()))
after(() => rm(packages, { recursive: true, force: true }))

for (const name of guides) {
  test(`the guide ${name}, pasted line by line, gives what it shows`, async (t: TestContext) => {
    const { url } = await startService(t, await realStores(t))
    const folder = await temporaryFolder(t)
    await symlink(packages, join(folder, 'node_modules'))
    const { printed, shown } = pasteBlocks(await readFile(join(root, 'docs', name), 'utf8'), url, folder)
    t.assert.ok(shown.length > 0)
    t.assert.deepStrictEqual(printed, shown)
  })
}

test(`the guide ${moving}, pasted line by line, gives what it shows`, async (t: TestContext) => {
  const { server, schema } = await openFastApiSchema(t)
  const env = settingsOf(server, schema)
  const [takingOver = '', serving = '', goingBack = ''] = (await readFile(join(root, 'docs', moving), 'utf8')).split(
    /^## (?:Serve|Go back)$/m,
  )
  const folder = await temporaryFolder(t)
  const paste = (part: string, url: string) => {
    const { printed, shown } = pasteBlocks(part, url, folder, 'set -eu', { ...env, LOG_LEVEL: 'silent' })
    t.assert.ok(shown.length > 0)
    t.assert.deepStrictEqual(printed, shown)
  }
  paste(takingOver, 'http://localhost:8000')
  const service = await startService(t, env)
  paste(serving, service.url)
  await service.end('SIGTERM')
  paste(goingBack, 'http://localhost:8000')
  t.assert.strictEqual(
    (await onServer(server, `select price_usd from ${schema}.items where name = 'Green tea'`)).rowCount,
    1,
  )
})

/** A folder `node_modules` with the client of the package, as `npm install` would put it there. */
async function installPackage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-modules-'))
  const installed = join(folder, 'stockroom')
  await mkdir(installed)
  await copyFile(join(root, 'package.json'), join(installed, 'package.json'))
  execFileSync('tsc', ['--project', 'tsconfig.client.json', '--outDir', join(installed, 'dist')], { cwd: root })
  return folder
}
