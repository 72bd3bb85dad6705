import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { documents } from '../support/documents.ts'

const root = join(import.meta.dirname, '../..')
const all = await documents()

test('README.md has at most 900 words, ARCHITECTURE.md at most 2,000', (t: TestContext) => {
  t.assert.ok(words(textOf('README.md')) <= 900)
  t.assert.ok(words(textOf('ARCHITECTURE.md')) <= 2000)
})

test('docs/README.md links to every document in docs/', (t: TestContext) => {
  const index = linksOf('docs/README.md')
  const files = all.map(({ file }) => file).filter((file) => file.startsWith('docs/') && file !== 'docs/README.md')
  t.assert.deepStrictEqual(
    files.filter((file) => !index.some(({ target }) => target === file)),
    [],
  )
})

test('links between documents lead to files and headings that exist', (t: TestContext) => {
  const broken = all.flatMap(({ file }) =>
    linksOf(file)
      .filter(({ target, anchor }) => !existsSync(join(root, target)) || !hasHeading(target, anchor))
      .map(({ link }) => `${file}: ${link}`),
  )
  t.assert.deepStrictEqual(broken, [])
})

test('source files that documents name exist', (t: TestContext) => {
  const missing = all.flatMap(({ file, text }) => {
    const paths = [...text.matchAll(/`([\w-]+(?:\/[\w.-]+)+\.(?:ts|mjs|sh))`/g)].map(([, path = '']) => path)
    return paths
      .filter((path) => !['', 'src', 'test', 'docs'].some((folder) => existsSync(join(root, folder, path))))
      .map((path) => `${file}: ${path}`)
  })
  t.assert.deepStrictEqual(missing, [])
})

test('code blocks name a language, and only sh is executable', (t: TestContext) => {
  const known = new Set(['', 'console', 'diff', 'js', 'json', 'mermaid', 'sh', 'sql', 'text'])
  for (const { file, text } of all) {
    // Every second fence ends a block.
    const languages = [...text.matchAll(/^ *```(.*)$/gm)].map(([, language = '']) => language)
    t.assert.deepStrictEqual(
      languages.filter((language, index) => !known.has(language) || (language === '') === (index % 2 === 0)),
      [],
      file,
    )
  }
})

test('figures of README.md and performance.md are those of the reports', (t: TestContext) => {
  const faults = textOf('test/faults/REPORT.md')
  const reports = [textOf('bench/RESULTS.md'), faults, ...totals(faults)].join('\n')
  for (const file of ['README.md', 'docs/performance.md']) {
    const figures = textOf(file).match(/\b\d{1,3}(?:,\d{3})+\b|\b\d+\.\d+(?= (?:MiB|to|times|ms))/g) ?? []
    t.assert.ok(figures.length > 5)
    t.assert.deepStrictEqual(
      figures.filter((figure) => !reports.includes(figure)),
      [],
      file,
    )
  }
  const recovery = longestRecovery(faults)
  t.assert.ok(textOf('README.md').includes(`within ${recovery} s`), recovery)
  t.assert.match(textOf('docs/performance.md'), new RegExp(`^\\| recovery .* ${recovery} s +\\|$`, 'm'))
})

/** The numbers of requests and of 503 responses in a whole run. */
function totals(report: string): string[] {
  return [3, 4].map((column) =>
    columnOf(report, column)
      .reduce((sum, count) => sum + count, 0)
      .toLocaleString('en-US'),
  )
}

/** In seconds, with one decimal. */
function longestRecovery(report: string): string {
  const recoveries = columnOf(report, 10).filter((ms) => !Number.isNaN(ms))
  return (Math.max(...recoveries) / 1_000).toFixed(1)
}

function columnOf(report: string, column: number): number[] {
  const rows = report.matchAll(/^\| .*\(`[\w-]+`\) *\|.*$/gm)
  return Array.from(rows, ([row]) => Number(row.split('|')[column]?.replaceAll(',', '')))
}

function textOf(file: string): string {
  const text = all.find((document) => document.file === file)?.text
  if (text === undefined) throw new Error(`there is no ${file}`)
  return text
}

function words(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}

/** Links of a document to files of the repository. */
function linksOf(file: string): { link: string; target: string; anchor: string }[] {
  const prose = textOf(file).replaceAll(/^ *```.*?^ *```$/gms, '')
  return [...prose.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(([link, path = '', anchor = '']) => ({
    link,
    target: path === '' ? file : join(dirname(file), path),
    anchor,
  }))
}

function hasHeading(file: string, anchor: string): boolean {
  if (anchor === '') return true
  const headings = [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
  return headings.includes(anchor)
}
