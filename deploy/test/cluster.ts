import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

import { closeAfter } from '../../test/support/cleanup.ts'
import { commandsOf } from '../../test/support/operations.ts'
import { temporaryFolder } from '../../test/support/service.ts'
import { freePort } from '../../test/support/stores.ts'

export const dump = commandsOf('backup.md', 'pg_dump')
export const restoreDump = commandsOf('backup.md', 'createdb restored')

/** A PostgreSQL of Debian, because the embedded one has no programs for backups. */
export async function openCluster(t: TestContext) {
  const folder = await temporaryFolder(t)
  const account = readFileSync('/etc/passwd', 'utf8').match(/^postgres:[^:]*:(\d+):(\d+):/m) ?? []
  const user = { uid: Number(account[1]), gid: Number(account[2]) }
  const [version = ''] = (await readdir('/usr/lib/postgresql')).toSorted((one, other) => Number(other) - Number(one))
  const port = await freePort()
  const archive = join(folder, 'archive')
  for (const path of [folder, archive]) {
    mkdirSync(path, { recursive: true })
    chownSync(path, user.uid, user.gid)
  }
  const programs = `/usr/lib/postgresql/${version}/bin`
  const env = { PATH: `${programs}:${process.env['PATH']}`, PGHOST: folder, PGPORT: String(port), ARCHIVE: archive }
  const bash = (commands: string, more: Record<string, string> = {}) => {
    const { status, stdout, stderr } = spawnSync('bash', ['-euc', commands], {
      cwd: folder,
      env: { ...env, ...more },
      ...user,
      encoding: 'utf8',
      // A server that was started must not keep these open.
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.assert.strictEqual(status, 0, `${commands}\n${stderr}`)
    return stdout
  }
  bash('initdb --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync main')
  const settings = `listen_addresses = ''
port = ${port}
unix_socket_directories = '${folder}'
archive_mode = on
archive_command = 'test ! -f ${archive}/%f && cp %p ${archive}/%f'
`
  writeFileSync(join(folder, 'main/postgresql.auto.conf'), settings)
  bash('pg_ctl --pgdata=main --log=main.log --wait start')
  bash(commandsOf('README.md', 'createdb stockroom'))
  closeAfter(t, () => {
    for (const name of ['main', 'restored-cluster'])
      spawnSync(`${programs}/pg_ctl`, ['--pgdata', join(folder, name), '--mode=immediate', 'stop'], user)
  })
  const server = { host: folder, port, user: 'postgres', password: undefined, database: 'stockroom' }
  return { bash, server, folder }
}
