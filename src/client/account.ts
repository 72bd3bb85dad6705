import { asJson, asNothing, type CallOptions, type Connection, json, send } from './requests.ts'
import type { StoreManager, StoreManagerUpdate } from './schema.ts'

const path = '/store-managers/me'

/** What the manager who is signed in may do with their account. */
export function meMethods(connection: Connection) {
  return {
    get: ({ signal }: CallOptions = {}): Promise<StoreManager> =>
      send(connection, { method: 'GET', path, isRepeatable: true, signal }, asJson<StoreManager>),

    /** Changes what is given. `email` and `password` need `current_password`, which after the first time is another. */
    update: (changes: StoreManagerUpdate, { signal }: CallOptions = {}): Promise<StoreManager> =>
      send(connection, { method: 'PATCH', path, ...json(changes), isRepeatable: false, signal }, asJson<StoreManager>),

    /** Deletes the account, which must own no items. */
    remove: ({ signal }: CallOptions = {}): Promise<void> =>
      send(connection, { method: 'DELETE', path, isRepeatable: false, signal }, asNothing),
  }
}
