import { glob, readdir, readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { commandsOf } from '../support/operations.ts'

const folder = 'docs/operations'

test('each command of docs/operations is run, or the reason is given', async (t: TestContext) => {
  const sources = await Array.fromAsync(glob('{test,deploy/test}/**/*.ts'), (file) => readFile(file, 'utf8'))
  const calls = sources.join('\n').matchAll(/commandsOf\('([\w.]+)', '([^']+)'\)/g)
  const run = Array.from(calls, ([, page = '', begin = '']) => ({ page, begin }))
  t.assert.ok(run.length > 5)
  for (const { page, begin } of run) t.assert.ok(commandsOf(page, begin))
  for (const page of await readdir(folder)) {
    const text = await readFile(`${folder}/${page}`, 'utf8')
    const blocks = [...text.matchAll(/^```(?:console|sql)\n(.*?)^```\n\n(\S+ \S+)?/gms)]
    for (const [, commands = '', next = ''] of blocks) {
      const isRun = run.some((call) => call.page === page && commands.startsWith(call.begin))
      // A block that is run and has such a paragraph is wrong too.
      t.assert.notStrictEqual(isRun, next.startsWith('_Not run_'), `${page}: ${commands}`)
    }
  }
})
