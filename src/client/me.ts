import { asJson, discardBody } from './responses.ts'
import type { StoreManager, StoreManagerRemoval, StoreManagerUpdate } from './schema.ts'
import { isStoreManager } from './shapes.ts'
import { type CallOptions, type Connection, json, send } from './transport.ts'

const path = '/store-managers/me'
const asStoreManager = asJson(isStoreManager)

export function meMethods(connection: Connection) {
  return {
    get: ({ signal }: CallOptions = {}): Promise<StoreManager> =>
      send(connection, { method: 'GET', path, isIdempotent: true, signal }, asStoreManager),

    /** Updates the given fields. `email` and `password` require `current_password`. */
    update: (changes: StoreManagerUpdate, { signal }: CallOptions = {}): Promise<StoreManager> =>
      send(connection, { method: 'PATCH', path, ...json(changes), isIdempotent: false, signal }, asStoreManager),

    remove: (confirmation: StoreManagerRemoval, { signal }: CallOptions = {}): Promise<void> =>
      send(
        connection,
        { method: 'DELETE', path, ...json(confirmation), isIdempotent: false, status: 204, signal },
        discardBody,
      ),
  }
}
