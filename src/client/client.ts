import { changeMethods } from './changes.ts'
import { StockroomError } from './errors.ts'
import { itemMethods } from './items.ts'
import { meMethods } from './me.ts'
import { asJson } from './responses.ts'
import type { PasswordReset, StoreManager, StoreManagerCreate, Token } from './schema.ts'
import { isBearerToken, isMessage, isStoreManager, isToken } from './shapes.ts'
import { type CallOptions, type Connection, json, keyHeader, send } from './transport.ts'

export type { ChangesPage, ChangesQuery, PageQuery, UndoOptions } from './changes.ts'
export { ConnectionError, StockroomError, UnexpectedResponseError } from './errors.ts'
export type { FollowedEvent, FollowQuery } from './follow.ts'
export {
  type BulkRequest,
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
  BulkError,
  BulkReport,
  Category,
  ChangeSet,
  FeedEvent,
  ImportError,
  ImportReport,
  InvalidPart,
  Item,
  ItemChange,
  ItemCreate,
  ItemSummary,
  ItemUpdate,
  ItemVersion,
  PasswordReset,
  Problem,
  ProblemCode,
  StoreManager,
  StoreManagerCreate,
  StoreManagerRemoval,
  StoreManagerUpdate,
  Token,
  UndoConflict,
  UndoReport,
} from './schema.ts'

export interface ClientOptions {
  /** Such as `https://stockroom.example/path`, without query and fragment. On a page of the same origin, a path is enough. */
  baseUrl: string | URL
  token?: string | undefined
  fetch?: typeof globalThis.fetch
  /** Maximum retries of a request that is safe to repeat [3]. */
  retries?: number
  /** Seconds: if `Retry-After` is longer, there is no retry [30]. */
  maxRetryDelay?: number
  /** Aborts everything that this client does. */
  signal?: AbortSignal
}

export type Client = ReturnType<typeof createClient>

/**
 * A client for one service, for browsers and Node 20.3 or later. Every method throws StockroomError if the service rejects
 * the request, ConnectionError if it cannot be reached, and UnexpectedResponseError if something else responds.
 * @throws TypeError if the URL or the token is invalid
 */
export function createClient(options: ClientOptions) {
  const connection: Connection = {
    baseUrl: toBaseUrl(options.baseUrl),
    token: toToken(options.token),
    // As a method of another object, the `fetch` of browsers throws.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    signal: options.signal,
    retries: options.retries ?? 3,
    maxRetryDelay: options.maxRetryDelay ?? 30,
  }

  return {
    baseUrl: connection.baseUrl,
    get token() {
      return connection.token
    },
    /** Registers a manager, with safe retries. Does not sign in. */
    register(manager: StoreManagerCreate, { signal }: CallOptions = {}): Promise<StoreManager> {
      const body = json(manager, keyHeader())
      const request = {
        method: 'POST',
        path: '/store-managers',
        ...body,
        isIdempotent: true,
        status: 201,
        signal,
      } as const
      return send(connection, request, asJson(isStoreManager))
    },
    /** Signs in: later requests carry the token. */
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
    /** Sets a new password with a reset code from an operator. Revokes all tokens, and does not sign in. */
    resetPassword: (reset: PasswordReset, { signal }: CallOptions = {}): Promise<StoreManager> => {
      const request = { method: 'POST', path: '/store-managers/reset-password', isIdempotent: false, signal } as const
      return send(connection, { ...request, ...json(reset) }, asJson(isStoreManager))
    },
    /** Revokes the token, unless it is revoked already; with `everywhere` (and a valid token), every token of the manager. */
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
    changes: changeMethods(connection),
  }
}

/** Never quotes the URL, which may contain a password. */
function toBaseUrl(given: string | URL): string {
  const text = String(given)
  if (/[?#]/.test(text)) throw new TypeError('baseUrl must not have a query or a fragment.')
  if (/^[^/]*:?\/\/[^/]*@/.test(text)) throw new TypeError('baseUrl must not have a user name or a password.')
  return text.replace(/\/+$/, '')
}

/** `fetch` would quote an invalid header in its error. */
function toToken(token: string | undefined): string | undefined {
  if (token === undefined || isBearerToken(token)) return token
  throw new TypeError('The token contains an invalid character, such as a space or a line break.')
}
