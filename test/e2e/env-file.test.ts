import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { runMain, temporaryFolder } from '../support/service.ts'

const settings = 'LOG_LEVEL=banana\nPORT=banana\n'

/** Starts the service where `.env` is `content`. @returns its exit code and what it printed */
async function startWith(t: TestContext, content: string | Buffer, env: Record<string, string> = {}) {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, '.env'), content)
  const { ended, output } = runMain(t, { DATA_DIR: join(folder, 'data'), ...env }, [], folder)
  return { code: await ended, printed: output() }
}

test('a byte order mark does not hide the first setting of .env', async (t: TestContext) => {
  const { code, printed } = await startWith(t, `\uFEFF${settings}`)
  t.assert.strictEqual(code, 1)
  t.assert.match(printed, /LOG_LEVEL must be/)
})

test('.env may have comments, exports, quotes, and lines that end in any way', async (t: TestContext) => {
  const content =
    '# comment\r\n\r\n  export PORT = "0"\rTOKEN_TYPE=`jwt` # yes\nX="a\nb c\n"\nY=\'q\'\nLOG_LEVEL=banana'
  const { code, printed } = await startWith(t, content)
  t.assert.deepStrictEqual([code, printed.match(/^ {2}\w+ must/gm)], [1, ['  LOG_LEVEL must']])
})

const damaged: [what: string, content: string | Buffer, said: string][] = [
  ['UTF-16', Buffer.from(`\uFEFF${settings}`, 'utf16le'), '.env is UTF-16 or binary. Save it as UTF-8.'],
  ['UTF-16 without a mark', Buffer.from(settings, 'utf16le'), '.env is UTF-16 or binary. Save it as UTF-8.'],
  ['Latin-1', Buffer.from('A=\xe4', 'latin1'), '.env is not UTF-8. Save it as UTF-8.'],
  ['YAML', 'PORT=0\nPOSTGRES_HOST: db', '.env: line 2 is not NAME=value. Correct it, or comment it out with #.'],
  ['cut in two', 'PORT=0\nPOSTGRES_HO\nST=db', '.env: line 2 is not NAME=value. Correct it, or comment it out with #.'],
  [
    'begun with a no-break space',
    '\u00A0PORT=0',
    '.env: line 1 is not NAME=value. Correct it, or comment it out with #.',
  ],
]

for (const [what, content, said] of damaged) {
  test(`a .env that is ${what} is refused in one line`, async (t: TestContext) => {
    t.assert.deepStrictEqual(await startWith(t, content), { code: 1, printed: `${said}\n` })
  })
}

test('a .env that is a folder or unreadable is refused in one line', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, '.env'))
  await chmod(join(folder, '.env'), 0)
  const { ended, output } = runMain(t, {}, [], folder)
  t.assert.strictEqual(await ended, 1)
  t.assert.match(output(), /^\.env cannot be read \(.*\)\. Make it a file that this user may read\.\n$/)
})

test('settings of a server without its host are refused, not ignored', async (t: TestContext) => {
  const { code, printed } = await startWith(t, 'POSTGRES_HOST=\nPOSTGRES_PASSWORD=hush\nPOSTGRES_DB=shop\n')
  t.assert.strictEqual(code, 1)
  t.assert.match(
    printed,
    /^ {2}POSTGRES_HOST or DATABASE_URL is required with POSTGRES_PASSWORD, POSTGRES_DB: set it, or unset/m,
  )
  t.assert.ok(!printed.includes('hush'))
})
