import { asJson, asNothing } from './responses.ts'
import type { StoreManager, StoreManagerRemoval, StoreManagerUpdate } from './schema.ts'
import { isStoreManager } from './shapes.ts'
import { type CallOptions, type Connection, json, send } from './transport.ts'

const path = '/store-managers/me'
const asStoreManager = asJson(isStoreManager)

/** What the manager who is signed in may do with their account. */
export function meMethods(connection: Connection) {
  return {
    get: ({ signal }: CallOptions = {}): Promise<StoreManager> =>
      send(connection, { method: 'GET', path, isIdempotent: true, signal }, asStoreManager),

    /** Changes what is given. `email` and `password` need `current_password`, which after the first time is another. */
    update: (changes: StoreManagerUpdate, { signal }: CallOptions = {}): Promise<StoreManager> =>
      send(connection, { method: 'PATCH', path, ...json(changes), isIdempotent: false, signal }, asStoreManager),

    /** Deletes the account, which must own no items. */
    remove: (confirmation: StoreManagerRemoval, { signal }: CallOptions = {}): Promise<void> =>
      send(
        connection,
        { method: 'DELETE', path, ...json(confirmation), isIdempotent: false, status: 204, signal },
        asNothing,
      ),
  }
}
