import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { openApp } from '../support/app.ts'
import { temporaryFolder } from '../support/service.ts'

const root = join(import.meta.dirname, '../..')

test("the document passes Redocly's recommended rules without a warning", async (t: TestContext) => {
  const { send } = await openApp(t)
  const file = join(await temporaryFolder(t), 'openapi.json')
  await writeFile(file, (await send({ url: '/openapi.json' })).body)
  const { problems, totals } = JSON.parse(await lint(file))
  t.assert.deepStrictEqual(problems, [])
  t.assert.deepStrictEqual(totals, { errors: 0, warnings: 0, ignored: 0 })
})

function lint(file: string): Promise<string> {
  const redocly = join(root, 'node_modules/.bin/redocly')
  const options = ['lint', file, '--config', join(root, 'redocly.yaml'), '--format', 'json']
  // Otherwise it would ask the npm registry for updates.
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [redocly, ...options], { cwd: root, env }, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(stdout)
      else reject(error ?? new Error(stderr))
    })
  })
}
