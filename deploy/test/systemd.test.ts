import { spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { temporaryFolder } from '../../test/support/service.ts'

const unit = join(import.meta.dirname, '../systemd/stockroom.service')

test('systemd finds no fault in the unit, and confines it', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  // systemd-analyze wants the program to exist.
  const program = join(folder, 'stockroom')
  await mkdir(folder, { recursive: true })
  await writeFile(program, '#!/bin/sh\n', { mode: 0o755 })
  const file = join(folder, 'stockroom.service')
  const text = await readFile(unit, 'utf8')
  await writeFile(file, text.replace('/opt/stockroom/node_modules/.bin/stockroom', program))
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
  t.assert.strictEqual(verified.status, 0, verified.stderr)
  t.assert.doesNotMatch(verified.stderr, /stockroom\.service/)
  const security = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=30', file], {
    encoding: 'utf8',
  })
  t.assert.strictEqual(security.status, 0, security.stdout + security.stderr)
})
