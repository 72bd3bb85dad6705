import { resolve } from 'node:path'
import { test, type TestContext } from 'node:test'

import { findTestFiles } from './support/find-test-files.ts'

test('npm test takes files, folders, and patterns', async (t: TestContext) => {
  const [all, folder] = [await findTestFiles([]), await findTestFiles(['test/http'])]
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
