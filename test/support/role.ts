import { onServer } from './app.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'
import { realStores } from './service.ts'

const password = 'a password of the tests'

/** A role that may read and write the rows of a schema and nothing else, as docs/operations.md grants it. It ends with the test. */
export async function openRole(t: Cleanup, state: 'migrated' | 'empty' = 'migrated') {
  const stores = await realStores(t, state)
  const schema = stores['POSTGRES_SCHEMA'] ?? ''
  const role = `${schema}_service`
  const administration = serverOf(stores)
  await onServer(
    administration,
    `create role ${role} login password '${password}';
     grant usage on schema ${schema} to ${role};
     grant select, insert, update, delete on all tables in schema ${schema} to ${role}`,
  )
  closeAfter(t, () => onServer(administration, `drop owned by ${role}; drop role ${role}`))
  const own = { ...stores, POSTGRES_USER: role, POSTGRES_PASSWORD: password }
  return { role, schema, stores: own, server: serverOf(own), administration }
}

/** The server that settings name. */
export function serverOf(stores: Record<string, string>) {
  return {
    host: stores['POSTGRES_HOST'] ?? '',
    port: Number(stores['POSTGRES_PORT']),
    user: stores['POSTGRES_USER'] ?? '',
    password: stores['POSTGRES_PASSWORD'] || undefined,
    database: stores['POSTGRES_DB'] ?? '',
  }
}
