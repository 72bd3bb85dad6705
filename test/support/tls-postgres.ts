import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, chown, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { findPrograms } from '../../src/database/embedded/binaries.ts'
import type { Server } from '../../src/database/server.ts'
import { onServer } from './app.ts'
import type { Authority, Certificate } from './certificates.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'
import { temporaryFolder } from './service.ts'
import { freePort } from './stores.ts'
import { until } from './until.ts'

const unprivileged = 65_534

export const password = 'a password, with @ and / in it'

/** A PostgreSQL that is reached over TLS only, with a password. */
export interface TlsPostgres {
  /** As settings would name it, without TLS. */
  server: Server
  /** Over its socket, as its superuser. */
  administration: Server
}

/** The server has a certificate for localhost; the role `certified` needs a certificate of a client instead of a password. */
export async function openTlsPostgres(t: Cleanup, authority: Authority): Promise<TlsPostgres> {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? { uid: unprivileged, gid: unprivileged } : {}
  const options = { ...user, cwd: '/', env: {}, stdio: 'ignore' } as const
  await mkdir(data, { mode: 0o700 })
  if (isRoot) await chown(data, unprivileged, unprivileged)
  await chmod(folder, 0o711)
  const programs = await findPrograms()
  const initdb = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', data]
  execFileSync(join(programs, 'initdb'), initdb, options)
  await placeFiles(data, authority, authority.issue('localhost', 'DNS:localhost'), isRoot)
  const port = await freePort()
  const settings = { port, listen_addresses: 'localhost', unix_socket_directories: data, fsync: 'off' }
  const given = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(join(programs, 'postgres'), ['-D', data, ...given], options)
  const ended = once(child, 'exit')
  closeAfter(t, async () => {
    child.kill('SIGINT')
    await ended
  })
  const administration = { host: data, port, user: 'postgres', database: 'postgres' }
  await prepare(administration)
  return { server: { host: 'localhost', port, user: 'ada', password, database: 'shop' }, administration }
}

async function placeFiles(data: string, authority: Authority, own: Certificate, isRoot: boolean): Promise<void> {
  const hba = `
    local all all trust
    hostssl all certified all cert
    hostssl all all all scram-sha-256`
  const tls = `ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nssl_ca_file = 'ca.crt'\n`
  await writeFile(join(data, 'pg_hba.conf'), hba)
  await appendFile(join(data, 'postgresql.conf'), tls)
  await copyFile(authority.cert, join(data, 'ca.crt'))
  await copyFile(own.cert, join(data, 'server.crt'))
  await copyFile(own.key, join(data, 'server.key'))
  await chmod(join(data, 'server.key'), 0o600)
  if (!isRoot) return
  for (const name of ['ca.crt', 'server.crt', 'server.key']) await chown(join(data, name), unprivileged, unprivileged)
}

async function prepare(administration: Server): Promise<void> {
  const create = () =>
    onServer(administration, `create role ada login password '${password}'`).then(
      () => true,
      () => false,
    )
  await until(create)
  await onServer(administration, 'create role certified login')
  await onServer(administration, 'create database shop owner ada')
}
