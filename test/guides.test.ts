import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'

import { pasteBlocks } from './support/documents.ts'
import { realStores, startService, temporaryFolder } from './support/service.ts'

const root = join(import.meta.dirname, '..')
const guides = (await readdir(join(root, 'docs'))).filter((name) => name !== 'README.md')

test('there is a guide for each task, and each is listed', async (t: TestContext) => {
  const list = await readFile(join(root, 'docs/README.md'), 'utf8')
  t.assert.ok(guides.length >= 4)
  for (const name of guides) t.assert.ok(list.includes(`(${name})`), name)
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

/** A folder `node_modules` with the client of the package, as `npm install` would put it there. */
async function installPackage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-modules-'))
  const installed = join(folder, 'stockroom')
  await mkdir(installed)
  await copyFile(join(root, 'package.json'), join(installed, 'package.json'))
  execFileSync('tsc', ['--project', 'tsconfig.client.json', '--outDir', join(installed, 'dist')], { cwd: root })
  return folder
}
