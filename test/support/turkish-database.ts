import { randomBytes } from 'node:crypto'

import type { Server } from '../../src/database/server.ts'
import { onServer, openSchema } from './app.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'

/** An empty database in which the lower case of I is ı, which ends with the test. */
export async function openTurkishDatabase(t: Cleanup): Promise<Server> {
  const { server } = await openSchema(t, 'empty')
  const database = `turkish_${randomBytes(6).toString('hex')}`
  const locale = `locale_provider icu icu_locale 'tr' locale 'C' encoding 'UTF8'`
  await onServer(server, `create database ${database} template template0 ${locale}`)
  closeAfter(t, () => onServer(server, `drop database ${database} with (force)`))
  return { ...server, database }
}
