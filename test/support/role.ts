import { onServer } from './app.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'
import { commandsOf } from './operations.ts'
import { realStores } from './service.ts'

const password = 'a password of the tests'
const grants = commandsOf('README.md', 'create role stockroom_service')

/** A role that may only read and write the rows of a schema, made by the SQL in docs/operations/README.md. It ends with the test. */
export async function openRole(t: Cleanup, state: 'migrated' | 'empty' = 'migrated') {
  const stores = await realStores(t, state)
  const schema = stores['POSTGRES_SCHEMA'] ?? ''
  const role = `${schema}_service`
  const administration = serverOf(stores)
  await onServer(
    administration,
    grants
      .replaceAll('stockroom_service', role)
      .replaceAll(/\bpublic\b/g, schema)
      .replace("'...'", `'${password}'`),
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
