import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'
import { run, temporaryFolder } from '../support/service.ts'

const commands = join(import.meta.dirname, '../../node_modules/.bin')
const library = ['--lib', 'es2022,dom,dom.iterable', '--types', '']
const compilerOptions = ['--strict', '--target', 'es2022', '--module', 'nodenext', ...library, '--outDir', 'built']

interface Client {
  generator: string[]
  /** Uses the client, and prints what it got. */
  program: string
  expected: unknown[]
}

const start = `declare const process: { argv: string[] }
const baseUrl = process.argv[2] ?? ''
const email = 'ada@example.com'
const password = 'correct horse battery'
const tea = { name: 'Green tea', category: 'Grocery', price_usd: 4.99, in_stock: true } as const
const names: string[] = []
let token = ''
`

const heyApi = `import { client } from './generated/client.gen.js'
import * as api from './generated/index.js'
${start}
client.setConfig({ baseUrl, auth: () => token })
const throwOnError = true
await api.registerStoreManager({ body: { name: 'Ada', email, password }, throwOnError })
token = (await api.logIn({ body: { username: email, password }, throwOnError })).data.access_token
await api.updateMe({ body: { name: 'Ada King' }, throwOnError })
const me = (await api.getMe({ throwOnError })).data.name
const { data: item, response } = await api.createItem({ body: tea, headers: { 'idempotency-key': 'one' }, throwOnError })
const again = (await api.createItem({ body: tea, headers: { 'idempotency-key': 'one' }, throwOnError })).data.id === item.id
// @ts-expect-error there is no such category
await api.createItem({ body: { ...tea, category: 'Toys' } })
const headers = { 'if-match': response.headers.get('etag') ?? '' }
const path = { id: item.id }
const { price_usd: price } = (await api.updateItem({ path, headers, body: { price_usd: 5.49 }, throwOnError })).data
const conflict = (await api.updateItem({ path, headers, body: { price_usd: 5.99 } })).error?.code
const file = '{"name":"Pen","category":"Stationery","price_usd":1,"in_stock":true}'
const ndjson = { 'Content-Type': 'application/x-ndjson' }
const { created } = (await api.importItems({ body: file, headers: ndjson, throwOnError })).data
for (let after: string | undefined; ; ) {
  const query = { limit: 1, sort: 'name', ...(after !== undefined && { after }) } as const
  const page = await api.listItems({ query, throwOnError })
  names.push(...Object.values(page.data).map(({ name }) => name))
  after = page.response.headers.get('x-next-after') ?? undefined
  if (after === undefined) break
}
const csv = (await api.exportItems({ parseAs: 'text', throwOnError })).data as unknown as string
const lines = csv.split('\\r\\n').length
const { items } = (await api.summarizeItems({ query: { category: ['Grocery'] }, throwOnError })).data
const owner = (await api.getItem({ path, query: { expand: ['store_manager'] }, throwOnError })).data.store_manager?.name
for (const id of Object.keys((await api.exportItems({ query: { format: 'json' }, throwOnError })).data)) {
  await api.deleteItem({ path: { id }, throwOnError })
}
const { message } = (await api.logOutByPost({ throwOnError })).data
token = (await api.logIn({ body: { username: email, password }, throwOnError })).data.access_token
await api.deleteMe({ body: { current_password: password }, throwOnError })
console.log(JSON.stringify([me, again, price, conflict, created, names, lines, items, owner, message]))
`

const orval = `import * as api from './generated/stockroom.js'
${start}
const signedIn = (headers: Record<string, string> = {}) => ({ headers: { authorization: \`Bearer \${token}\`, ...headers } })
const logIn = async () => {
  const { data } = await api.logIn({ username: email, password })
  if ('access_token' in data) token = data.access_token
}
await api.registerStoreManager({ name: 'Ada', email, password })
await logIn()
await api.updateMe({ name: 'Ada King' }, signedIn())
const got = await api.getMe(signedIn())
const me = got.status === 200 && got.data.name
const created = await api.createItem(tea, signedIn({ 'idempotency-key': 'one' }))
if (created.status !== 201) throw new Error(created.data.detail)
const repeated = await api.createItem(tea, signedIn({ 'idempotency-key': 'one' }))
const again = repeated.status === 201 && repeated.data.id === created.data.id
// @ts-expect-error there is no such category
await api.createItem({ ...tea, category: 'Toys' })
const { id } = created.data
const condition = signedIn({ 'if-match': created.headers.get('etag') ?? '' })
const updated = await api.updateItem(id, { price_usd: 5.49 }, condition)
const price = updated.status === 200 && updated.data.price_usd
const refused = await api.updateItem(id, { price_usd: 5.99 }, condition)
const conflict = refused.status === 412 && refused.data.code
const file = 'name,category,price_usd,in_stock\\nPen,Stationery,1,true\\n'
const imported = await api.importItems(file, {}, signedIn())
const hint = imported.status === 422 && imported.data.errors?.[0]?.msg
await fetch(api.getImportItemsUrl(), { method: 'POST', body: file, ...signedIn({ 'content-type': 'text/csv' }) })
for (let after: string | undefined; ; ) {
  const page = await api.listItems({ limit: 1, sort: 'name', ...(after !== undefined && { after }) }, signedIn())
  if (page.status !== 200) throw new Error(page.data.detail)
  names.push(...Object.values(page.data).map(({ name }) => name))
  after = page.headers.get('x-next-after') ?? undefined
  if (after === undefined) break
}
const exported = await api.exportItems({}, signedIn())
const lines = 'stream' in exported && (await exported.stream.text()).split('\\r\\n').length
const summary = await api.summarizeItems({ category: ['Grocery'] }, signedIn())
const items = summary.status === 200 && summary.data.items
const expanded = await api.getItem(id, { expand: ['store_manager'] }, signedIn())
const owner = expanded.status === 200 && expanded.data.store_manager?.name
const all = await api.listItems({}, signedIn())
if (all.status === 200) for (const each of Object.keys(all.data)) await api.deleteItem(each, signedIn())
const out = await api.logOutByPost({}, signedIn())
const message = out.status === 200 && out.data.message
await logIn()
const removed = await api.deleteMe({ current_password: password }, signedIn())
console.log(JSON.stringify([me, again, price, conflict, hint, names, lines, items, owner, message, removed.status]))
`

const used = ['Ada King', true, 5.49, 'precondition_failed']
const left = [['Green tea', 'Pen'], 4, 1, 'Ada King', 'Logged out successfully']
const hint = 'is a JSON string, not CSV: send the file itself, without JSON.stringify'

const clients: Record<string, Client> = {
  'hey-api': {
    generator: ['openapi-ts', '--input', 'openapi.json', '--output', 'generated'],
    program: heyApi,
    expected: [...used, 1, ...left],
  },
  orval: {
    generator: ['orval', '--config', 'orval.config.mjs'],
    program: orval,
    expected: [...used, hint, ...left, 204],
  },
}

for (const [name, { generator, program, expected }] of Object.entries(clients)) {
  test(`a client that ${name} generates type-checks and works`, async (t: TestContext) => {
    const { app, send } = await openApp(t)
    const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
    const folder = await temporaryFolder(t)
    const output = { target: 'generated/stockroom.ts', client: 'fetch', baseUrl }
    const files = {
      'openapi.json': (await send({ url: '/openapi.json' })).body,
      'orval.config.mjs': `export default ${JSON.stringify({ stockroom: { input: 'openapi.json', output } })}`,
      'package.json': '{ "type": "module" }',
      'program.ts': program,
    }
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
    const runIn = async (command: string, ...options: string[]) => {
      const { ended, output: printed } = run(t, process.execPath, [command, ...options], {}, folder)
      t.assert.strictEqual(await ended, 0, printed())
      return printed()
    }
    const [command = '', ...options] = generator
    await runIn(join(commands, command), ...options)
    await runIn(join(commands, 'tsc'), ...compilerOptions, 'program.ts')
    t.assert.deepStrictEqual(JSON.parse(await runIn('built/program.js', baseUrl)), expected)
  })
}
