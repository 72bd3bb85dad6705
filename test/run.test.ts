import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'

import { findTestFiles } from './support/find-test-files.ts'

test('npm test takes files, folders, and patterns', async (t: TestContext) => {
  const all = await findTestFiles([])
  const folder = await findTestFiles(['test/http'])
  t.assert.ok(folder.includes('test/http/cors.test.ts') && folder.every((file) => file.startsWith('test/http/')))
  t.assert.ok(all.includes('test/run.test.ts') && folder.every((file) => all.includes(file)))
  for (const given of [
    'test/http/cors.test.ts',
    './test/http/cors.*',
    'test/**/cors*',
    resolve('test/http/cors.test.ts'),
  ])
    t.assert.deepStrictEqual(await findTestFiles([given, given]), ['test/http/cors.test.ts'], given)
})

test('npm test refuses what matches no test file', async (t: TestContext) => {
  for (const given of ['nothing', 'src/http', 'test/http/cors.ts', 'test/nothing/**'])
    await t.assert.rejects(findTestFiles(['test/http', given]), { message: `No test file matches ${given}.` })
})

/** Runs these tests, which may use `isFirst`, and again what failed. @returns the output */
async function runTwice(t: TestContext, tests: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-again-'))
  t.after(() => rm(folder, { recursive: true }))
  const once = `import { existsSync, writeFileSync } from 'node:fs'
const isFirst = !existsSync('${folder}/ran')
writeFileSync('${folder}/ran', '')`
  await writeFile(join(folder, 'some.test.ts'), `import { test } from 'node:test'\n${once}\n${tests.join('\n')}\n`)
  const runner = `import { runAgain, runTests } from '${resolve('test/support/run-tests.ts')}'
const { failures } = await runTests(['${folder}/some.test.ts'], 1, '${folder}')
console.log('green:', await runAgain(failures, '${folder}'))`
  return runApart(folder, runner)
}

/** Runs this program as if no test ran it. @returns its output */
async function runApart(folder: string, program: string): Promise<string> {
  const file = join(folder, 'runner.mjs')
  await writeFile(file, program)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return spawnSync(process.execPath, [file], { encoding: 'utf8', env }).stdout
}

test('a pattern finds tests in each file, and fails if there is none', async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-patterns-'))
  t.after(() => rm(folder, { recursive: true }))
  const names = ['one', 'two', 'three']
  for (const name of names)
    await writeFile(join(folder, `${name}.test.mjs`), `import { test } from 'node:test'\ntest('${name}', () => {})\n`)
  const files = names.map((name) => `'${join(folder, `${name}.test.mjs`)}'`)
  const runner = `import { runTests } from '${resolve('test/support/run-tests.ts')}'
for (const pattern of ['three', 'four']) {
  const { tests, passed, failed } = await runTests([${files.join()}], 3, '${folder}', [pattern])
  console.log(pattern, tests, passed, failed)
}`
  const output = await runApart(folder, runner)
  t.assert.match(output, /^✔ three /m)
  t.assert.doesNotMatch(output, /✔ one|▶|group/)
  t.assert.match(output, /^three 1 1 0$/m)
  t.assert.match(output, /^four 0 0 0$/m)
})

test('a test that fails, then passes alone is named as flaky', async (t: TestContext) => {
  const flaky = `test('flaky (sometimes)', (t) => t.assert.ok(!isFirst))`
  const output = await runTwice(t, [flaky, `test('sound', () => {})`])
  t.assert.match(output, /\nFlaky: failed, then passed: flaky \(sometimes\) \(.*some\.test\.ts\)\n/)
  t.assert.match(output, /\ngreen: true\n/)
  t.assert.strictEqual(output.match(/✔ sound/g)?.length, 1)
})

test('a test that fails twice, and many that fail, fail the run', async (t: TestContext) => {
  const broken = (name: string) => `test('${name}', (t) => t.assert.ok(false))`
  const output = await runTwice(t, [broken('broken')])
  t.assert.match(output, /\nFailed twice: broken /)
  t.assert.match(output, /\ngreen: false\n/)
  const many = await runTwice(
    t,
    ['one', 'two', 'three', 'four'].map((name) => broken(name)),
  )
  t.assert.match(many, /\ngreen: false\n/)
  t.assert.doesNotMatch(many, /Again/)
})

test('a process that ends before its tests do fails if it does twice', async (t: TestContext) => {
  const ending = (condition: string) => `test('ending', () => ${condition} && process.exit(1))`
  t.assert.match(await runTwice(t, [ending('isFirst')]), /\nFlaky: [^\n]*\n[^]*green: true\n/)
  t.assert.match(await runTwice(t, [ending('true')]), /\nFailed twice: [^\n]*\n[^]*green: false\n/)
})
