import { execFileSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'

import packageJson from '../../package.json' with { type: 'json' }
import { openApp } from '../support/app.ts'
import { openBrowser, withoutChromium } from '../support/browser.ts'
import { password } from '../support/fixtures.ts'
import { realStores, run, servingAt, signInAt } from '../support/service.ts'

const root = join(import.meta.dirname, '../..')
const modules = join(root, 'node_modules')
/** A project that has the packages installed as `npm install` would, with the dependencies of this one. */
let project = ''
const scope = '@stockroom-catalog'
const inPackage = (...path: string[]) => join(project, 'node_modules', scope, 'stockroom', ...path)
const inClient = (...path: string[]) => join(project, 'node_modules', scope, 'client', ...path)

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'stockroom-package-'))
  execFileSync('npm', ['pack', '--pack-destination', project], { cwd: root, stdio: 'pipe' })
  execFileSync('npm', ['pack', '--pack-destination', project, './dist-client'], { cwd: root, stdio: 'pipe' })
  for (const [name, folder] of [
    ['stockroom', inPackage()],
    ['client', inClient()],
  ] as const) {
    await mkdir(folder, { recursive: true })
    const archive = join(project, `stockroom-catalog-${name}-${packageJson.version}.tgz`)
    execFileSync('tar', ['-xzf', archive, '-C', folder, '--strip-components=1'])
  }
  const dependencies = (await readdir(modules)).filter((name) => name !== 'vite' && name !== '.cache')
  for (const name of dependencies) await symlink(join(modules, name), join(project, 'node_modules', name))
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
})
after(() => rm(project, { recursive: true, force: true }))

/** What a consumer may write in JavaScript. */
const script = `
import { createClient, StockroomError, versionOf } from '@stockroom-catalog/client'

const stockroom = createClient({ baseUrl: process.argv[2] })
await stockroom.logIn({ email: 'ada@example.com', password: '${password}' })
const item = await stockroom.items.create({ name: 'Tea', category: 'Grocery', price_usd: 4.99, in_stock: true })
await stockroom.items.update(item.id, { price_usd: 5.49 }, { ifMatch: versionOf(item) })
const file = new Blob(['name,category,price_usd,in_stock\\nSoap,Household,2.5,true\\n']).stream()
const { created } = await stockroom.items.import(file, { format: 'csv' })
const found = []
for await (const { name, price_usd } of stockroom.items.each({ limit: 1, sort: '-name' })) found.push([name, price_usd])
const error = await stockroom.items.get('7').catch((reason) => reason)
console.log(JSON.stringify([created, found, error instanceof StockroomError, error.code]))
`
const expected = JSON.stringify([
  1,
  [
    ['Tea', 5.49],
    ['Soap', 2.5],
  ],
  true,
  'invalid_request',
])

/** What type-checks in TypeScript, and what does not. */
const typed = `
import { createClient, type Item, StockroomError } from '@stockroom-catalog/client'

const stockroom = createClient({ baseUrl: new URL('https://stockroom.example') })
const items: Item[] = await stockroom.items.all({ category: ['Pet'], sort: '-price_usd' })
const price: number | undefined = items[0]?.price_usd
try {
  await stockroom.items.update('7', { price_usd: price ?? null })
  // @ts-expect-error there is no such category
  await stockroom.items.list({ category: ['Toys'] })
  // @ts-expect-error a price is a number
  await stockroom.items.update('7', { price_usd: '4.99' })
} catch (error) {
  if (error instanceof StockroomError && error.code === 'item_not_found') throw error
  // @ts-expect-error there is no such code
  if (error instanceof StockroomError && error.code === 'nonsense') throw error
}
`

test('the package has what is needed to run and nothing else', async (t: TestContext) => {
  const files = (await readdir(inPackage(), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(inPackage().length + 1))
  const elsewhere = files.filter((file) => !/^(bin|dist\/(src|console))\//.test(file)).toSorted()
  const atRoot = ['LICENSE', 'README.md', 'dist/package.json', 'package.json', 'scripts/require-node.mjs']
  t.assert.deepStrictEqual(elsewhere, atRoot)
  t.assert.deepStrictEqual(
    files.filter((file) => /(?<!\.d)\.ts$/.test(file)),
    [],
  )
  t.assert.ok(files.includes('dist/src/auth/common-passwords.txt'))
  t.assert.ok(files.includes('dist/console/index.html'))
  t.assert.strictEqual(existsSync(inPackage('src')), false)
})

test('the client is a package without dependencies, for Node 20', async (t: TestContext) => {
  const files = await readdir(inClient())
  const others = files.filter((file) => !/^[a-z]+\.(js|d\.ts)$/.test(file))
  t.assert.deepStrictEqual(others.toSorted(), ['LICENSE', 'README.md', 'package.json'])
  const described = JSON.parse(await readFile(inClient('package.json'), 'utf8'))
  t.assert.deepStrictEqual(
    [described.version, described.dependencies, described.engines],
    [packageJson.version, undefined, { node: '>=20.3' }],
  )
  t.assert.match(await readFile(inClient('README.md'), 'utf8'), /^# .*[^]*createClient/)
  for (const file of files.filter((each) => each.endsWith('.js'))) {
    const imports = [...(await readFile(inClient(file), 'utf8')).matchAll(/from '([^']+)'/g)].map(([, from]) => from)
    t.assert.ok(
      imports.every((from) => from?.startsWith('./')),
      `${file} has no dependency`,
    )
  }
})

const oldNode = findOldNode()

test(
  'the client works from plain JavaScript on the Node of the system',
  { skip: !oldNode && 'there is only one Node' },
  async (t) => {
    await runScript(t, oldNode ?? '')
  },
)

test('the client works from plain JavaScript', async (t: TestContext) => {
  await runScript(t, process.execPath)
})

test('the example in client.md prints what it shows', async (t: TestContext) => {
  const page = await readFile(join(root, 'docs/reference/client.md'), 'utf8')
  const block = (kind: string) => new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] ?? ''
  const { app, signIn } = await openApp(t)
  const bob = await signIn('bob@example.com')
  await bob.post('/items', { name: 'Coffee', category: 'Grocery', price_usd: 9.99, in_stock: true })
  await signIn('ada@example.com')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  await writeFile(join(project, 'readme.mjs'), block('js').replace('http://localhost:8000', url))
  const { ended, output } = run(t, process.execPath, ['readme.mjs'], {}, project)
  t.assert.deepStrictEqual([await ended, output()], [0, block('text')])
})

test('the client package includes its types', async (t: TestContext) => {
  await writeFile(join(project, 'typed.ts'), typed)
  for (const lib of ['es2022', 'es2022,dom,dom.iterable']) {
    const types = lib === 'es2022' ? ['--types', 'node'] : ['--types', '']
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', lib, ...types]
    const { ended, output } = run(t, join(modules, '.bin/tsc'), [...flags, 'typed.ts'], {}, project)
    t.assert.deepStrictEqual([await ended, output()], [0, ''])
  }
})

test('the client works in a browser', { skip: withoutChromium }, async (t: TestContext) => {
  const serve = async ({ url = '' }: IncomingMessage, response: ServerResponse) => {
    if (url.startsWith('/moved')) response.writeHead(307, { location: 'http://other.example/' })
    const isScript = url.endsWith('.js')
    if (!response.headersSent) response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? await readFile(inClient(url)) : '<!doctype html>')
  }
  const page = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
  t.after(() => page.close())
  // Not localhost, which browsers trust more than a plain address.
  const origin = `http://shop.example:${(page.address() as AddressInfo).port}`
  const { app, signIn } = await openApp(t, { CORS_ORIGINS: origin })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  await signIn('ada@example.com')
  const browser = await openBrowser(t, ['--host-resolver-rules=MAP shop.example 127.0.0.1'])
  const tab = await browser.newPage()
  await tab.goto(origin)
  const adapted = script
    .replace(/^import .*$/m, '')
    .replace('process.argv[2]', `'${url}'`)
    .replace(/console\.log\((.*)\)\s*$/, 'return $1')
  const body = `const { createClient, StockroomError, versionOf } = await import('/client.js')\n${adapted.replace(').stream()', ')')}`
  t.assert.strictEqual(await tab.evaluate(`(async () => { ${body} })()`), expected)
  const login = `createClient({ baseUrl: '/moved' }).logIn({ email: 'ada@example.com', password: 'secret' })`
  const redirected = `(async () => { const { createClient } = await import('/client.js'); await ${login} })().catch(String)`
  t.assert.match(await tab.evaluate<string>(redirected), /^UnexpectedResponseError: .* redirects to another address/)
})

test('the command of the package migrates, and serves API and console', async (t: TestContext) => {
  const stores = await realStores(t, 'empty')
  const env = { ...stores, PORT: '0', XDG_CONFIG_HOME: join(project, 'config') }
  const call = (...args: string[]) => run(t, process.execPath, [inPackage('bin/stockroom.js'), ...args], env, project)
  const up = call('migrate')
  t.assert.deepStrictEqual([await up.ended, /applied: Migration/.test(up.output())], [0, true], up.output())
  const service = call('start')
  const url = await servingAt(service.output, service.ended)
  const { authorization } = await signInAt(url, 'ada@example.com')
  const listed = run(
    t,
    process.execPath,
    [inPackage('bin/stockroom.js'), 'items', 'list', '--json', '--server', url],
    { ...env, STOCKROOM_TOKEN: authorization.replace('Bearer ', '') },
    project,
  )
  t.assert.deepStrictEqual([await listed.ended, listed.output()], [0, '[]\n'])
  const html = await (await fetch(`${url}/console`)).text()
  const [, source = ''] = /<script type="module"[^>]* src="([^"]+)"/.exec(html) ?? []
  t.assert.strictEqual((await fetch(url + source)).status, 200)
  service.child.kill('SIGTERM')
  t.assert.strictEqual(await service.ended, 0)
  const status = run(t, process.execPath, [join(root, 'bin/stockroom.js'), 'migrate', 'status'], stores)
  t.assert.deepStrictEqual([await status.ended, status.output().endsWith('The schema is up to date.\n')], [0, true])
})

async function runScript(t: TestContext, node: string): Promise<void> {
  const { app, signIn } = await openApp(t)
  await signIn('ada@example.com')
  await writeFile(join(project, 'script.mjs'), script)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const { ended, output } = run(t, node, ['script.mjs', url], {}, project)
  t.assert.deepStrictEqual([await ended, output()], [0, `${expected}\n`])
}

/** Another Node than that of the project, which is the first on PATH. */
function findOldNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const found = folders.map((folder) => join(folder, 'node')).filter((path) => existsSync(path))
  return found.find((path) => realpathSync(path) !== realpathSync(process.execPath))
}
