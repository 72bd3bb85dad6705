import { Client } from 'pg'

import { clientConfig, type Server } from '../../src/database/server.ts'

/** A client whose unqualified names are those of `schema`. */
export function schemaClient(server: Server, schema: string): Client {
  return new Client({ ...clientConfig(server), options: `-c search_path=${schema}` })
}
