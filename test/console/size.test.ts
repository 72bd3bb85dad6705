import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { withBundle } from '../../src/console/build.ts'

const readme = join(import.meta.dirname, '../../console/README.md')

test('each file of the console is as small as its budget', async (t: TestContext) => {
  const budget = await readBudget()
  const { files } = await measure()
  for (const { name, size } of files) {
    const most = budget.get(name)
    t.assert.ok(most !== undefined, `console/README.md has no budget of ${name}`)
    t.assert.ok(size <= most, `${name}: ${size.toFixed(1)} of ${most} KiB`)
  }
  const names = new Set(['all scripts', 'the first screen', ...files.map(({ name }) => name)])
  t.assert.deepStrictEqual(
    [...budget.keys()].filter((name) => !names.has(name)),
    [],
  )
})

test('all scripts and the first screen are as small as their budget', async (t: TestContext) => {
  const budget = await readBudget()
  const { files, first } = await measure()
  const scripts = files.filter(({ file }) => file.endsWith('.js'))
  for (const [name, chosen] of [
    ['all scripts', scripts],
    ['the first screen', scripts.filter(({ file }) => first.has(file))],
  ] as const) {
    const size = chosen.reduce((sum, each) => sum + each.size, 0)
    t.assert.ok(size <= (budget.get(name) ?? 0), `${name}: ${size.toFixed(1)} of ${budget.get(name)} KiB`)
    t.assert.ok(size > 5)
  }
})

/** The table in the README: from what a file is called to KiB, compressed with gzip. */
async function readBudget(): Promise<Map<string, number>> {
  const rows = (await readFile(readme, 'utf8')).matchAll(/^\| *`?([a-z -]+?)`? *\| *([\d.]+) KiB *\|/gm)
  return new Map([...rows].map(([, name = '', most]) => [name, Number(most)]))
}

interface File {
  file: string
  /** Without the hash. */
  name: string
  size: number
}

function measure(): Promise<{ files: File[]; first: Set<string> }> {
  return withBundle(new AbortController().signal, async (folder) => {
    const assets = join(folder, 'assets')
    const names = (await readdir(assets)).filter((file) => /\.(?:js|css)$/.test(file))
    const files = await Promise.all(
      names.map(async (file) => ({
        file,
        name: file.replace(/-[\w-]{8}\.\w+$/, ''),
        size: (await readFile(join(assets, `${file}.gz`))).length / 1024,
      })),
    )
    return { files, first: await readFirst(folder) }
  })
}

/** The scripts that the page loads before it shows the items: those in index.html, and their static imports. */
async function readFirst(folder: string): Promise<Set<string>> {
  const html = await readFile(join(folder, 'index.html'), 'utf8')
  const first = new Set<string>()
  const add = async (name: string) => {
    if (first.has(name)) return
    first.add(name)
    const script = await readFile(join(folder, 'assets', name), 'utf8')
    for (const [, imported = ''] of script.matchAll(/(?:\bfrom|\bimport)\s*["'`]\.\/([^"'`]+\.js)["'`]/g))
      await add(imported)
  }
  for (const [, name = ''] of html.matchAll(/(?:src|href)="\.\/assets\/([^"]+\.js)"/g)) await add(name)
  return first
}
