import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'

import { showProgress } from '../../src/cli/progress.ts'
import { openApp } from '../support/app.ts'
import { call, callOnTerminal, withoutTerminals } from '../support/command.ts'
import { problem, scripted } from '../support/scripted.ts'
import { run, temporaryFolder } from '../support/service.ts'
import { until } from '../support/until.ts'

const emptyReport = {
  mode: 'create',
  dry_run: false,
  created: 0,
  updated: 0,
  unchanged: 0,
  failed: 0,
  errors: [],
  errors_omitted: 0,
}

const header = 'name,category,price_usd,in_stock\n'

/** A service, where Ada is signed in, and a folder to work in. */
async function openWorkplace(t: TestContext) {
  const { app, signIn } = await openApp(t)
  const ada = await signIn('ada@example.com')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const folder = await temporaryFolder(t)
  const env = { XDG_CONFIG_HOME: folder, STOCKROOM_URL: url, STOCKROOM_TOKEN: ada.token }
  return {
    ada,
    folder,
    env,
    go: (args: string[], input: string | Buffer = '') => call(t, args, { env, cwd: folder, input }),
  }
}

test('files are imported and exported in each format', async (t: TestContext) => {
  const { folder, go } = await openWorkplace(t)
  await writeFile(join(folder, 'tea.csv'), `${header}"Tea, green",Grocery,4.99,true\n`)
  await writeFile(
    join(folder, 'soap.jsonl.gz'),
    gzipSync('{"name":"Soap","category":"Household","price_usd":2.5,"in_stock":false}\n'),
  )
  const tea = await go(['import', 'tea.csv'])
  t.assert.deepStrictEqual(tea, { code: 0, out: 'Created 1, updated 0, unchanged 0, failed 0.\n', err: '' })
  t.assert.strictEqual((await go(['import', 'soap.jsonl.gz'])).out, 'Created 1, updated 0, unchanged 0, failed 0.\n')
  const piped = await go(['import', '-', '--json', '--dry-run'], `${header}Pen,Stationery,1,true\n`)
  t.assert.deepStrictEqual(
    [piped.code, JSON.parse(piped.out).created, JSON.parse(piped.out).dry_run, piped.err],
    [0, 1, true, ''],
  )

  const csv = await go(['export', 'all.csv', '--sort', 'price_usd'])
  t.assert.deepStrictEqual(csv, { code: 0, out: 'Exported 2 items to all.csv.\n', err: '' })
  const text = await readFile(join(folder, 'all.csv'), 'utf8')
  t.assert.match(text, /^id,name,.*\r\n[\w-]+,Soap,.*\r\n[\w-]+,"Tea, green",.*\r\n$/)
  t.assert.strictEqual((await go(['export', '-', '--sort', 'price_usd'])).out, text)
  await go(['export', 'all.csv.gz', '--sort', 'price_usd'])
  t.assert.strictEqual(gunzipSync(await readFile(join(folder, 'all.csv.gz'))).toString(), text)
  await go(['export', 'pets.ndjson', '--category', 'Pet'])
  t.assert.strictEqual(await readFile(join(folder, 'pets.ndjson'), 'utf8'), '')
  const whole = await go(['export', 'all', '--format', 'json', '--json'])
  t.assert.deepStrictEqual([JSON.parse(whole.out), whole.err], [{ file: 'all', format: 'json' }, ''])
  const items = Object.values(JSON.parse(await readFile(join(folder, 'all'), 'utf8')) as object)
  t.assert.deepStrictEqual(
    items.map(({ name }) => name),
    ['Tea, green', 'Soap'],
  )

  // What was exported comes back as it is.
  const again = await go(['import', 'all.csv', '--mode', 'upsert'])
  t.assert.strictEqual(again.out, 'Created 0, updated 0, unchanged 2, failed 0.\n')
})

test('bad rows are named by file, line, and column, and fail the import', async (t: TestContext) => {
  const { folder, ada, go } = await openWorkplace(t)
  await writeFile(join(folder, 'new.csv'), `${header}Tea,Grocery,4.99,true\n,Toys,1,true\n`)
  const stopped = await go(['import', 'new.csv'])
  t.assert.deepStrictEqual(
    [stopped.code, stopped.out],
    [1, 'Created 0, updated 0, unchanged 0, failed 1. Nothing was written.\n'],
  )
  const [name, category] = stopped.err.split('\n').filter((line) => line.startsWith('new.csv:3: '))
  t.assert.strictEqual(name, 'new.csv:3: name: must have at least 1 character')
  t.assert.match(category ?? '', /^new\.csv:3: category: "Toys" is not a category: write one of "Grocery"/)
  t.assert.deepStrictEqual((await ada.get('/items')).json(), {})
  const skipped = await go(['import', 'new.csv', '--on-error', 'skip'])
  t.assert.deepStrictEqual([skipped.code, skipped.out], [1, 'Created 1, updated 0, unchanged 0, failed 1.\n'])
  const dry = await go(['import', 'new.csv', '--dry-run', '--json'])
  t.assert.deepStrictEqual([dry.code, JSON.parse(dry.out).failed, dry.err], [1, 1, ''])
})

test('an import to a busy server is retried with the whole file', async (t: TestContext) => {
  const server = await scripted(t, [
    problem(503, 'too_busy', { 'retry-after': '0' }),
    { status: 200, body: emptyReport },
  ])
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'new.csv'), header)
  const env = { STOCKROOM_URL: server.url, STOCKROOM_TOKEN: 'kept', XDG_CONFIG_HOME: folder }
  t.assert.strictEqual((await call(t, ['import', 'new.csv'], { env, cwd: folder })).code, 0)
  t.assert.deepStrictEqual(
    server.requests.map(({ body }) => body),
    [header, header],
  )
})

test('an export that breaks off keeps the previous file', async (t: TestContext) => {
  const { folder, url } = await halfAnExport(t, (end) => setTimeout(end, 50))
  const env = { STOCKROOM_URL: url, STOCKROOM_TOKEN: 'kept', XDG_CONFIG_HOME: folder }
  for (const file of ['items.csv', 'new.csv', 'new.csv.gz']) {
    const broken = await call(t, ['export', file, '--force'], { env, cwd: folder })
    t.assert.deepStrictEqual([broken.code, broken.out], [1, ''])
    t.assert.match(broken.err, /Export interrupted; .* was not written\.\n$/)
  }
  t.assert.deepStrictEqual(await readdir(folder), ['items.csv'])
  t.assert.strictEqual(await readFile(join(folder, 'items.csv'), 'utf8'), 'kept\n')
})

test('Ctrl-C ends an export and leaves no file', async (t: TestContext) => {
  const { folder, url } = await halfAnExport(t, () => {})
  const env = { STOCKROOM_URL: url, STOCKROOM_TOKEN: 'kept', XDG_CONFIG_HOME: folder }
  const bin = join(import.meta.dirname, '../../bin/stockroom.js')
  const { child, ended, output } = run(t, process.execPath, [bin, 'export', 'items.csv', '--force'], env, folder)
  await until(async () => (await readdir(folder)).some((file) => file.endsWith('.part')))
  child.kill('SIGINT')
  t.assert.strictEqual(await ended, 130)
  t.assert.doesNotMatch(output(), /Error/)
  t.assert.deepStrictEqual(await readdir(folder), ['items.csv'])
})

test('a progress bar shows how far a slow import is', { skip: withoutTerminals }, async (t: TestContext) => {
  const body = JSON.stringify({ ...emptyReport, created: 3_000 })
  // Some of the file is accepted immediately, and the rest when the bar has been drawn.
  const drawn = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    void drawn.promise.then(() => request.resume())
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const folder = await temporaryFolder(t)
  const file = join(folder, 'new.csv')
  await writeFile(file, header + 'Item,Pet,1,true\n'.repeat(400_000))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = { XDG_CONFIG_HOME: folder, STOCKROOM_URL: url, STOCKROOM_TOKEN: 'kept' }
  const imported = await callOnTerminal(t, ['import', file], { env, dialogue: [[' left\r', drawn.resolve]] })
  t.assert.deepStrictEqual([imported.code, /Created 3,000, /.test(imported.screen)], [0, true], imported.screen)
  t.assert.match(
    imported.screen,
    /Knew\.csv {2}\[#*-+\] +\d+ % {2}\d+\.\d [kM]B {2}\d+\.\d [kM]B\/s {2}\d+:\d\d left\r/,
  )
  t.assert.match(imported.screen, /new\.csv {2}6\.4 MB in \d+\.\d s/)
})

test('progress is a bar on a terminal and lines elsewhere', (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const shown = (isTTY: boolean, total?: number) => {
    const written: string[] = []
    const stream = { isTTY, columns: 100, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream
    return { written, progress: showProgress({ label: 'new.csv', total, unit: 'bytes', stream }) }
  }
  const terminal = shown(true, 2_000_000)
  const pipe = shown(false, 2_000_000)
  const endless = shown(false)
  for (const { progress } of [terminal, pipe, endless]) progress.add(1_000_000)
  t.mock.timers.tick(5_000)
  const rate = String.raw`1\.0 MB  [\d.]+ [kM]B/s`
  t.assert.strictEqual(terminal.written.length, 41, 'nothing for a second')
  t.assert.match(
    terminal.written[0] ?? '',
    new RegExp(String.raw`^\r\u001B\[Knew\.csv  \[#{12}-{12}\]  50 %  ${rate}  \d:\d\d left$`),
  )
  t.assert.match(pipe.written.join(''), new RegExp(String.raw`^new\.csv   50 %  ${rate}  \d:\d\d left\n$`))
  t.assert.match(endless.written.join(''), new RegExp(String.raw`^new\.csv  ${rate}\n$`))
  terminal.progress.add(1_000_000)
  t.mock.timers.tick(100)
  t.assert.match(terminal.written.at(-1) ?? '', /100 % .* {2}finishing$/)
  for (const { progress } of [terminal, pipe, endless]) progress.end()
  t.assert.match(pipe.written.at(-1) ?? '', /^new\.csv {2}1\.0 MB in \d+\.\d s/)
  t.mock.timers.tick(5_000)
  t.assert.strictEqual(pipe.written.length, 2)
  const quick = shown(true, 1_000)
  quick.progress.add(1_000)
  t.mock.timers.tick(900)
  quick.progress.end()
  t.assert.deepStrictEqual(quick.written, [])
})

/** A server that sends half of an export, and a folder with a file of an earlier one. */
async function halfAnExport(t: TestContext, then: (end: () => void) => void) {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/csv' })
    response.write(`id,name,category\r\n${' '.repeat(64)}`, () => then(() => request.socket.destroy()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'items.csv'), 'kept\n')
  return { folder, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
