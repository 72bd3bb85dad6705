import type { Code } from '../problems.ts'

interface Description {
  meaning: string
  action: string
}

const retryLater = 'Retry after the number of seconds in `Retry-After`.'
const signIn = 'Log in again and send the new token as `Authorization: Bearer <token>`.'

export const descriptions: Record<Code, Description> = {
  malformed_request: {
    meaning: 'The request is not valid HTTP, or two parsers could read it differently.',
    action:
      'Correct the request: send exactly one Host header, at most one Authorization and one Content-Type header, and a valid URL path.',
  },
  malformed_body: {
    meaning:
      'The body cannot be read: it is not valid UTF-8, not valid JSON, not a valid form, or truncated. Or it has more than 1,000 arrays, objects, and members of objects.',
    action: 'Send valid UTF-8 of the type in `Content-Type`. If the connection broke, send the request again.',
  },
  missing_token: {
    meaning: 'The request has no bearer token.',
    action: signIn,
  },
  invalid_token: {
    meaning:
      'The token is malformed, expired, revoked, or was idle for too long, or its manager was deleted or disabled.',
    action: signIn,
  },
  invalid_credentials: {
    meaning: 'The email address or the password is wrong.',
    action: 'Check both. The response does not reveal which addresses are registered.',
  },
  account_disabled: {
    meaning: 'The operator has disabled the account. Only the right password reveals this.',
    action: 'Ask the operator to enable it.',
  },
  cross_site_request: {
    meaning: 'A web page of another origin sent the request.',
    action: 'The operator can allow the origin in `CORS_ORIGINS`.',
  },
  not_same_origin: {
    meaning: 'The request needs the session of the console, but no page of the same origin sent it.',
    action: 'Log in at `/store-managers/token`, and send the token to the API itself.',
  },
  not_owner: {
    meaning: 'The item belongs to another manager.',
    action: 'Ask its owner. With `ITEM_WRITES=shared`, every manager may change every item.',
  },
  registration_closed: {
    meaning: 'Only operators may create accounts here (`REGISTRATION=closed`).',
    action: 'Ask the operator for an account.',
  },
  wrong_password: {
    meaning: 'The current password is wrong, so nothing was changed.',
    action: 'Send the current password in `current_password`.',
  },
  invalid_reset_code: {
    meaning: 'The reset code is wrong, was used, or has expired.',
    action: 'Ask the operator for a new code. A code works once, for an hour.',
  },
  not_found: {
    meaning: 'No route has this path.',
    action: 'Check the URL against the API reference at `/scalar`.',
  },
  item_not_found: {
    meaning: 'No item has this ID. It may have been deleted.',
    action: 'List the items to find the right ID.',
  },
  change_not_found: {
    meaning: 'No change set has this ID. It may have been purged (`HISTORY_DAYS`).',
    action: 'List the change sets to find the right ID.',
  },
  method_not_allowed: {
    meaning: 'The path exists, but not with this method.',
    action: 'Use one of the methods in `Allow`.',
  },
  request_timeout: {
    meaning: 'The request, or its body, did not arrive in time.',
    action: 'Send it again over a faster connection, or split an import into smaller files.',
  },
  email_taken: {
    meaning: 'A manager with this email address exists. Case is ignored.',
    action: 'Log in instead, or use another address.',
  },
  manager_owns_items: {
    meaning: 'The manager still owns items, so the account cannot be deleted. `items` is the number of items.',
    action: 'Delete the items first, or ask the operator to transfer them.',
  },
  undo_conflict: {
    meaning:
      'Nothing was undone, because items have changed since the change set. `conflicts` lists the first 1,000 of them as they are now.',
    action: 'Undo the later changes first, or leave these items as they are with `on_conflict=skip`.',
  },
  idempotency_key_in_use: {
    meaning: 'Another request with this `Idempotency-Key` is still in progress.',
    action: retryLater,
  },
  cursor_expired: {
    meaning:
      'The feed cannot continue after this cursor: the history was purged, the database was restored, or a standby took over.',
    action:
      'Begin again with `since=beginning`, which sends all items in their current state, then the changes that follow.',
  },
  precondition_failed: {
    meaning: 'The item has changed since the version in `If-Match`. `current` is the latest version.',
    action: 'Apply the change to `current`, and retry with its `ETag`.',
  },
  unexpected_count: {
    meaning: 'The bulk change matches more or fewer items than `expect.matched`. `matched` is the actual number.',
    action: 'Repeat the dry run, and send the number that it matches as `expect.matched`.',
  },
  body_too_large: {
    meaning: 'The body is larger than allowed: 64 KiB, 1 MiB for a bulk change, or `IMPORT_LIMIT` for an import.',
    action: 'Send less data per request.',
  },
  unsupported_media_type: {
    meaning: 'The body has a media type, charset, or content coding that the route does not accept.',
    action: 'Send the type that `detail` names.',
  },
  misdirected_request: {
    meaning: 'The Host header names a host that this service does not serve.',
    action: 'Use the official address. The operator lists hosts in `ALLOWED_HOSTS`.',
  },
  invalid_request: {
    meaning: 'The request violates the schema. `errors` lists every violation.',
    action: 'Correct each field that `errors` names.',
  },
  import_failed: {
    meaning:
      'Nothing was imported, because the file cannot be read or rows are invalid. `errors` lists the first 1,000 errors.',
    action: 'Correct the rows and import the file again, or import the valid rows with `on_error=skip`.',
  },
  bulk_failed: {
    meaning:
      'Nothing was changed, because new prices are negative or have too many digits. `errors` lists the first 1,000 of them.',
    action: 'Round the prices with `round`, or exclude the items.',
  },
  idempotency_key_reused: {
    meaning: 'This `Idempotency-Key` was already used with a different request.',
    action: 'Use a new key for a new request.',
  },
  precondition_required: {
    meaning:
      'The service requires `If-Match` for changes and `expect` for bulk changes (`REQUIRE_IF_MATCH=true`), or a bulk change of all items lacks `expect`.',
    action: 'Send the `ETag` of the item as `If-Match`, or the number that a dry run matches as `expect.matched`.',
  },
  too_many_logins: {
    meaning:
      'Too many logins from this address or for this account have failed, or there were too many logins from this address in total.',
    action: retryLater,
  },
  too_many_registrations: {
    meaning: 'Too many accounts were registered from this address.',
    action: retryLater,
  },
  headers_too_large: {
    meaning: 'The headers are larger than 16 KiB.',
    action: 'Send fewer or shorter headers.',
  },
  internal_error: {
    meaning: 'The request failed because of a bug in the service. The error has been logged.',
    action: 'Report it to the operator with the `request_id`.',
  },
  unsupported_transfer_coding: {
    meaning: 'The request uses a transfer coding other than `chunked`.',
    action: 'Send the body with `Content-Length`, or with `Transfer-Encoding: chunked`.',
  },
  too_busy: {
    meaning: 'The service is overloaded, or too many requests of this kind are in progress.',
    action: retryLater,
  },
  store_unavailable: {
    meaning: 'PostgreSQL is unavailable. The request is valid.',
    action: retryLater,
  },
  console_unavailable: {
    meaning: 'The web console is not built, or could not be built.',
    action:
      'The operator can find the reason in the log. From source, the service builds the console with development dependencies, so install them. The package contains the console.',
  },
}
