import { fileURLToPath } from 'node:url'

import { encryptionOptions, type Server } from './server.ts'

export const migrationsFolder = fileURLToPath(new URL('migrations', import.meta.url))
export const migrationsTable = 'mikro_orm_migrations'

export async function createRevision(message: string, path = migrationsFolder): Promise<string | undefined> {
  const nowhere = { host: 'localhost', port: 5432, user: 'none', database: 'none' }
  const orm = await openOrm(nowhere, 'public', path)
  try {
    const slug = message
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_|_$/g, '')
    const { fileName } = await orm.migrator.create(path, false, false, slug)
    return fileName ? `${path}/${fileName}` : undefined
  } finally {
    await orm.close()
  }
}

/** Loads MikroORM on demand, because a start rarely needs it. */
export async function openOrm(server: Server, schema: string, path = migrationsFolder) {
  const { MikroORM } = await import('@mikro-orm/postgresql')
  const { Migrator } = await import('@mikro-orm/migrations')
  const { entities } = await import('./entities.ts')
  const { host, port, user, database, password } = server
  return MikroORM.init({
    host,
    port,
    user,
    ...(password !== undefined && { password }),
    dbName: database,
    driverOptions: encryptionOptions(server),
    entities: [...entities],
    extensions: [Migrator],
    migrations: {
      path,
      pathTs: path,
      emit: 'ts',
      snapshotName: 'snapshot',
      snapshotOnMigrate: false,
      silent: true,
      tableName: migrationsTable,
      ...(schema !== 'public' && { schema }),
    },
  })
}
