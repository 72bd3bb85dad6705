import { meMethods } from './account.ts'
import { StockroomError } from './errors.ts'
import { itemMethods } from './items.ts'
import { asJson, asNothing, type CallOptions, type Connection, keyed, send } from './requests.ts'
import type { StoreManager, StoreManagerCreate, Token } from './schema.ts'

export { ConnectionError, StockroomError } from './errors.ts'
export {
  type Condition,
  type ExportQuery,
  type Filters,
  type ImportBody,
  type ImportOptions,
  versionOf,
} from './items.ts'
export type { ListQuery, Page } from './pages.ts'
export type { CallOptions } from './requests.ts'
export type {
  Category,
  ImportError,
  ImportReport,
  InvalidPart,
  Item,
  ItemCreate,
  ItemSummary,
  ItemUpdate,
  Problem,
  ProblemCode,
  StoreManager,
  StoreManagerCreate,
  StoreManagerUpdate,
  Token,
} from './schema.ts'

export interface ClientOptions {
  /** Where the service is, such as `https://stockroom.example`; with a path if it is not at the root. */
  baseUrl: string | URL
  /** A token from an earlier `logIn`. */
  token?: string | undefined
  /** Instead of the global one. */
  fetch?: typeof globalThis.fetch
  /** How often a request that may be sent again is, at most [3]. */
  retries?: number
  /** Seconds: a request whose `Retry-After` is longer is not sent again [30]. */
  longestWait?: number
  /** Ends everything that this client does. */
  signal?: AbortSignal
}

export type Client = ReturnType<typeof createClient>

/**
 * A client of one service, for browsers and Node 20.3 or newer. Every method throws a StockroomError if the service refuses,
 * and a ConnectionError if it cannot be reached.
 */
export function createClient(options: ClientOptions) {
  const connection: Connection = {
    baseUrl: String(options.baseUrl).replace(/\/+$/, ''),
    token: options.token,
    // Called as a method of something else, a browser's refuses.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    signal: options.signal,
    retries: options.retries ?? 3,
    longestWait: options.longestWait ?? 30,
  }

  return {
    /** Where the service is, without a slash at the end. */
    baseUrl: connection.baseUrl,
    /** The token that is sent, if there is one. */
    get token() {
      return connection.token
    },
    /** Registers a manager. It is sent again safely, but does not sign in. */
    register: (manager: StoreManagerCreate, { signal }: CallOptions = {}): Promise<StoreManager> =>
      send(connection, { method: 'POST', path: '/store-managers', ...keyed(manager), signal }, asJson<StoreManager>),
    /** Signs in: what is sent from now on carries the token. */
    async logIn(
      { email, password }: { email: string; password: string },
      { signal }: CallOptions = {},
    ): Promise<Token> {
      const body = () => new URLSearchParams({ grant_type: 'password', username: email, password })
      const request = { method: 'POST', path: '/store-managers/token', body, isRepeatable: true, signal } as const
      const token = await send({ ...connection, token: undefined }, request, asJson<Token>)
      connection.token = token.access_token
      return token
    },
    /** Ends the token, or with `everywhere` every token of the manager. One that is worth nothing any more is no error. */
    async logOut({ everywhere = false, signal }: CallOptions & { everywhere?: boolean } = {}): Promise<void> {
      const query = everywhere ? { scope: 'all' } : {}
      const request = { method: 'POST', path: '/store-managers/logout', query, isRepeatable: true, signal } as const
      await send(connection, request, asNothing).catch((error: unknown) => {
        if (!(error instanceof StockroomError && error.code === 'invalid_token')) throw error
      })
      connection.token = undefined
    },
    me: meMethods(connection),
    items: itemMethods(connection),
  }
}
