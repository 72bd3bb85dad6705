import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'

import { onServer } from '../support/app.ts'
import type { Cleanup } from '../support/cleanup.ts'
import { type Clone, openClone } from '../support/clone.ts'
import { documents, pasteBlocks } from '../support/documents.ts'
import { openFastApiSchema } from '../support/fastapi.ts'
import { withoutProgram } from '../support/programs.ts'
import { realStores, run, settingsOf, startService, temporaryFolder } from '../support/service.ts'

const root = join(import.meta.dirname, '../..')

/** Begins without a running service. */
const moving = 'docs/move-from-fastapi.md'
/** Register managers with fixed email addresses, and the tutorial lists every item: once each, in this order, on a new service. */
const onNewService = ['docs/tutorial.md', 'README.md']
const repeatable = (await documents())
  .filter(({ text }) => /^```sh$/m.test(text))
  .map(({ file }) => file)
  .filter((file) => ![moving, ...onNewService].includes(file))
const rounds = [onNewService, repeatable, repeatable]
const withoutCurl = withoutProgram('curl')

/** Lives as long as the tests of this file. */
const ends: (() => unknown)[] = []
const lifetime: Cleanup = { after: (end) => void ends.unshift(end) }
let url = ''
let clone: Clone
before(async () => {
  clone = await openClone(lifetime)
  if (!withoutCurl) url = (await startService(lifetime, await realStores(lifetime))).url
})
after(async () => {
  for (const end of ends) await end()
})

for (const [index, files] of rounds.entries()) {
  for (const file of files) {
    test(`${file} prints what it shows, round ${index}`, { skip: withoutCurl }, async (t: TestContext) => {
      const { printed, shown } = pasteBlocks(await readFile(join(root, file), 'utf8'), url, clone.folder)
      t.assert.ok(shown.length > 0)
      t.assert.deepStrictEqual(printed, shown)
      t.assert.deepStrictEqual(await clone.added(), [])
    })
  }
}

test('the guides and the command-line reference are executed', (t: TestContext) => {
  t.assert.deepStrictEqual(repeatable, [
    'docs/change-prices-in-bulk.md',
    'docs/find-items.md',
    'docs/import-from-a-spreadsheet.md',
    'docs/keep-a-copy-in-sync.md',
    'docs/reference/command-line.md',
    'docs/sync-two-catalogs.md',
    'docs/undo-a-mistake.md',
  ])
})

test(`${moving} prints what it shows`, async (t: TestContext) => {
  const { server, schema } = await openFastApiSchema(t)
  const env = settingsOf(server, schema)
  const [takingOver = '', serving = '', goingBack = ''] = (await readFile(join(root, moving), 'utf8')).split(
    /^## (?:Serve|Go back)$/m,
  )
  const folder = await temporaryFolder(t)
  const paste = (part: string, address: string) => {
    const { printed, shown } = pasteBlocks(part, address, folder, { ...env, LOG_LEVEL: 'silent' })
    t.assert.ok(shown.length > 0)
    t.assert.deepStrictEqual(printed, shown)
  }
  paste(takingOver, 'http://localhost:8000')
  const service = await startService(t, env)
  paste(serving, service.url)
  await service.end('SIGTERM')
  paste(goingBack, 'http://localhost:8000')
  t.assert.deepStrictEqual(await readdir(folder), ['work'])
  t.assert.strictEqual(
    (await onServer(server, `select price_usd from ${schema}.items where name = 'Green tea'`)).rowCount,
    1,
  )
})

test('npx runs the command in the clone and fetches none elsewhere', async (t: TestContext) => {
  const inside = join(clone.folder, 'work/inside')
  await mkdir(inside, { recursive: true })
  const offline = { npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0' }
  const called = run(t, 'npx', ['--no-install', 'stockroom', 'help', 'login'], offline, inside)
  t.assert.strictEqual(await called.ended, 0, called.output())
  t.assert.match(called.output(), /^Usage: stockroom login/)
  const elsewhere = run(t, 'npx', ['--no-install', 'stockroom', 'help'], offline, await temporaryFolder(t))
  t.assert.notStrictEqual(await elsewhere.ended, 0)
})

test('no document and no message lets npx fetch a package', async (t: TestContext) => {
  const folders = ['docs', 'src', 'bin', 'scripts']
  const listed = await Promise.all(folders.map((folder) => readdir(join(root, folder), { recursive: true })))
  const inFolders = listed.flatMap((names, at) => names.map((name) => join(folders[at] ?? '', name)))
  const atRoot = (await readdir(root)).filter((name) => name.endsWith('.md'))
  for (const file of [...atRoot, ...inFolders].filter((name) => /\.(md|ts|js|mjs|sh)$/.test(name))) {
    const text = await readFile(join(root, file), 'utf8')
    t.assert.doesNotMatch(text, /\bnpx (?!--no-install\b)[\w@-]/, file)
  }
})
