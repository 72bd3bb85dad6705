import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { pino } from 'pino'

import { findPrograms } from '../../src/database/embedded/binaries.ts'
import { upgrade } from '../../src/database/migrate.ts'
import { onServer } from './app.ts'
import { until } from './until.ts'

const unprivileged = 65_534

/**
 * Makes the files of a cluster as versions did whose one role was the superuser: tables with a row each, in two schemas,
 * a type, and a function.
 */
export async function makeOldCluster(dataDir: string): Promise<void> {
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? { uid: unprivileged, gid: unprivileged } : {}
  const programs = await findPrograms()
  const cluster = join(dataDir, 'postgres')
  await mkdir(cluster, { recursive: true, mode: 0o700 })
  if (isRoot) {
    for (const folder of [dirname(dataDir), dataDir]) await chmod(folder, 0o711)
    await chown(cluster, unprivileged, unprivileged)
  }
  const initdb = ['--username=stockroom', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', cluster]
  execFileSync(join(programs, 'initdb'), initdb, { ...user, cwd: '/', env: {}, stdio: 'ignore' })
  const settings = ['--listen_addresses=', `--unix_socket_directories="${cluster}"`, '--fsync=off']
  const server = spawn(join(programs, 'postgres'), ['-D', cluster, ...settings], { ...user, cwd: '/', stdio: 'ignore' })
  const ended = once(server, 'exit')
  await fill({ host: cluster, port: 5432, user: 'stockroom', database: 'stockroom' })
  server.kill('SIGINT')
  await ended
  if (isRoot) execFileSync('chown', ['-R', '0:0', cluster])
}

async function fill(server: { host: string; port: number; user: string; database: string }): Promise<void> {
  const create = () => onServer({ ...server, database: 'postgres' }, 'create database stockroom')
  await until(() =>
    create().then(
      () => true,
      () => false,
    ),
  )
  await upgrade(server, 'public', pino({ level: 'silent' }))
  await onServer(
    server,
    `create schema shop;
     create type shop.kind as enum ('a');
     create table shop.extra (id serial, note text, kind shop.kind);
     create view shop.notes as select note from shop.extra;
     create function shop.one() returns int language sql as 'select 1';
     insert into shop.extra (note) values ('first');
     insert into store_managers (id, name, email, password_hash) values (gen_random_uuid(), 'Ada', 'ada@example.com', 'x');
     insert into items select gen_random_uuid(), 'Tea', 'Grocery', 4.99, true, id from store_managers`,
  )
}
