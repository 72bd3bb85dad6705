import { StockroomError } from './errors.ts'
import { itemMethods } from './items.ts'
import { meMethods } from './me.ts'
import { asJson } from './responses.ts'
import type { PasswordReset, StoreManager, StoreManagerCreate, Token } from './schema.ts'
import { isBearerToken, isMessage, isStoreManager, isToken } from './shapes.ts'
import { type CallOptions, type Connection, json, keyed, send } from './transport.ts'

export { ConnectionError, StockroomError, UnexpectedResponseError } from './errors.ts'
export {
  type Condition,
  type ExportQuery,
  type Filters,
  type ImportBody,
  type ImportOptions,
  versionOf,
} from './items.ts'
export type { ListQuery, Page } from './pages.ts'
export type { CallOptions } from './transport.ts'
export type {
  Category,
  ImportError,
  ImportReport,
  InvalidPart,
  Item,
  ItemCreate,
  ItemSummary,
  ItemUpdate,
  PasswordReset,
  Problem,
  ProblemCode,
  StoreManager,
  StoreManagerCreate,
  StoreManagerRemoval,
  StoreManagerUpdate,
  Token,
} from './schema.ts'

export interface ClientOptions {
  /**
   * Where the service is, such as `https://stockroom.example`; with a path if it is not at the root, and with nothing
   * else. On a page of the same origin it may be a path alone.
   */
  baseUrl: string | URL
  /** A token from an earlier `logIn`. */
  token?: string | undefined
  /** Instead of the global one. */
  fetch?: typeof globalThis.fetch
  /** How often a request that may be sent again is, at most [3]. */
  retries?: number
  /** Seconds: a request whose `Retry-After` is longer is not sent again [30]. */
  maxRetryDelay?: number
  /** Ends everything that this client does. */
  signal?: AbortSignal
}

export type Client = ReturnType<typeof createClient>

/**
 * A client of one service, for browsers and Node 20.3 or newer. Every method throws a StockroomError if the service refuses,
 * a ConnectionError if it cannot be reached, and an UnexpectedResponseError if something else responds.
 *
 * @throws TypeError if the address has credentials, a query, or a fragment, or if the token cannot be one
 */
export function createClient(options: ClientOptions) {
  const connection: Connection = {
    baseUrl: toBaseUrl(options.baseUrl),
    token: toToken(options.token),
    // Called as a method of something else, a browser's refuses.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    signal: options.signal,
    retries: options.retries ?? 3,
    maxRetryDelay: options.maxRetryDelay ?? 30,
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
      send(connection, { method: 'POST', path: '/store-managers', ...keyed(manager), signal }, asJson(isStoreManager)),
    /** Signs in: what is sent from now on carries the token. */
    async logIn(
      { email, password }: { email: string; password: string },
      { signal }: CallOptions = {},
    ): Promise<Token> {
      const body = () => new URLSearchParams({ grant_type: 'password', username: email, password })
      const request = { method: 'POST', path: '/store-managers/token', body, isIdempotent: true, signal } as const
      const token = await send({ ...connection, token: undefined }, request, asJson(isToken))
      connection.token = token.access_token
      return token
    },
    /** Sets a new password with a reset code, which an operator has issued. It ends all tokens, and does not sign in. */
    resetPassword: (reset: PasswordReset, { signal }: CallOptions = {}): Promise<StoreManager> => {
      const request = { method: 'POST', path: '/store-managers/reset-password', isIdempotent: false, signal } as const
      return send(connection, { ...request, ...json(reset) }, asJson(isStoreManager))
    },
    /**
     * Ends the token; that it has ended already is no error. With `everywhere` it ends every token of the manager, which
     * takes a valid one.
     */
    async logOut({ everywhere = false, signal }: CallOptions & { everywhere?: boolean } = {}): Promise<void> {
      const query = everywhere ? { scope: 'all' } : {}
      const request = { method: 'POST', path: '/store-managers/logout', query, isIdempotent: true, signal } as const
      await send(connection, request, asJson(isMessage)).catch((error: unknown) => {
        const hasEnded = error instanceof StockroomError && error.code === 'invalid_token'
        if (!(hasEnded && (!everywhere || error.isAfterLostResponse))) throw error
      })
      connection.token = undefined
    },
    me: meMethods(connection),
    items: itemMethods(connection),
  }
}

/** Never quotes the address, in which there may be a password. */
function toBaseUrl(given: string | URL): string {
  const text = String(given)
  if (/[?#]/.test(text)) throw new TypeError('baseUrl must not have a query or a fragment.')
  if (/^[^/]*:?\/\/[^/]*@/.test(text)) throw new TypeError('baseUrl must not have a user name or a password.')
  return text.replace(/\/+$/, '')
}

/** A header that cannot be sent would be quoted in the error of `fetch`. */
function toToken(token: string | undefined): string | undefined {
  if (token === undefined || isBearerToken(token)) return token
  throw new TypeError('The token contains an invalid character, such as a space or a line break.')
}
