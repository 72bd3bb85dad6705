import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'

/** What the files of a folder of `src/` may import besides each other; folders that are not listed may import anything. */
const rules: Record<string, string[]> = {
  client: [],
  'problems.ts': [],
  'startup-error.ts': [],
  'tls.ts': [],
  'root-path.ts': [],
  concurrency: ['problems.ts'],
  observability: ['startup-error.ts'],
  config: ['root-path.ts', 'startup-error.ts', 'tls.ts'],
  database: ['concurrency', 'observability', 'problems.ts', 'startup-error.ts', 'tls.ts', 'config (types)'],
  http: ['concurrency', 'observability', 'problems.ts', 'root-path.ts'],
  redis: ['concurrency', 'observability', 'problems.ts', 'startup-error.ts', 'tls.ts', 'config (types)'],
  'idempotency.ts': ['database', 'observability', 'problems.ts'],
  auth: ['concurrency', 'database', 'http', 'observability', 'problems.ts', 'redis', 'startup-error.ts'],
  openapi: ['http', 'problems.ts', 'database'],
  lifecycle: ['database', 'http', 'observability', 'problems.ts', 'config (types)', 'startup-error.ts'],
}

const files = await Array.fromAsync(readImports())

test('folders of src import only those below them', (t: TestContext) => {
  const violations = files.flatMap(({ file, imports }) => {
    const room = roomOf(file)
    const allowed = room === undefined ? undefined : rules[room]
    return imports.flatMap(({ target, isType }) => {
      const other = roomOf(target)
      if (!allowed || other === undefined || other === room) return []
      const isAllowed = allowed.includes(other) || (isType && allowed.includes(`${other} (types)`))
      return isAllowed ? [] : [`${file} imports ${target}`]
    })
  })
  t.assert.deepStrictEqual(violations, [])
})

test('only main.ts imports app.ts', (t: TestContext) => {
  const importers = files.filter(({ imports }) => imports.some(({ target }) => target === 'src/app.ts'))
  const inSource = importers.map(({ file }) => file).filter((file) => file.startsWith('src/'))
  t.assert.deepStrictEqual(inSource, ['src/main.ts'])
})

test('the code of traces is loaded only when it is needed', (t: TestContext) => {
  const room = 'src/observability/tracing/'
  const importers = files.filter(
    ({ file, imports }) =>
      file.startsWith('src/') &&
      !file.startsWith(room) &&
      imports.some(({ target, isType }) => target.startsWith(room) && !isType),
  )
  t.assert.deepStrictEqual(importers, [])
})

test('no files import each other in a circle', (t: TestContext) => {
  const importsOf = new Map(files.map(({ file, imports }) => [file, imports.map(({ target }) => target)]))
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const target of importsOf.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of importsOf.keys()) visit(file, [])
  t.assert.deepStrictEqual(circles, [])
})

interface SourceFile {
  file: string
  imports: { target: string; isType: boolean }[]
}

async function* readImports(): AsyncGenerator<SourceFile> {
  for (const folder of ['src', 'test', 'bench', 'scripts', 'deploy']) {
    for (const name of await readdir(folder, { recursive: true })) {
      if (!name.endsWith('.ts')) continue
      const file = join(folder, name)
      const text = await readFile(file, 'utf8')
      const found = text.matchAll(/^(?:import|export) (type )?(?:[^'"]*? from )?'(\.[^']+\.ts)'/gm)
      const imports = [...found].map(([, type, path = '']) => ({
        target: join(dirname(file), path),
        isType: type !== undefined,
      }))
      yield { file, imports }
    }
  }
}

/** The folder of `src/` that a file is in, or the file itself if it is at the root; undefined outside of `src/`. */
function roomOf(file: string): string | undefined {
  return /^src\/([^/]+)/.exec(file)?.[1]
}
