/** Every `code` of an error, with its status and title: a closed list, on which clients may rely. */
export const problems = {
  malformed_request: [400, 'Malformed request'],
  malformed_body: [400, 'Malformed body'],
  missing_token: [401, 'Token missing'],
  invalid_token: [401, 'Token invalid'],
  invalid_credentials: [401, 'Wrong email or password'],
  account_disabled: [401, 'Account disabled'],
  cross_site_request: [403, 'Cross-site request'],
  not_same_origin: [403, 'Not the same origin'],
  not_owner: [403, 'Not the owner'],
  invalid_reset_code: [403, 'Reset code invalid'],
  registration_closed: [403, 'Registration closed'],
  wrong_password: [403, 'Wrong password'],
  not_found: [404, 'Not found'],
  item_not_found: [404, 'Item not found'],
  change_not_found: [404, 'Change set not found'],
  method_not_allowed: [405, 'Method not allowed'],
  request_timeout: [408, 'Request timeout'],
  email_taken: [409, 'Email already registered'],
  manager_owns_items: [409, 'Manager owns items'],
  undo_conflict: [409, 'Undo conflict'],
  idempotency_key_in_use: [409, 'Idempotency key in use'],
  cursor_expired: [410, 'Cursor expired'],
  precondition_failed: [412, 'Precondition failed'],
  unexpected_count: [412, 'Unexpected count'],
  body_too_large: [413, 'Body too large'],
  unsupported_media_type: [415, 'Unsupported media type'],
  misdirected_request: [421, 'Misdirected request'],
  invalid_request: [422, 'Invalid request'],
  import_failed: [422, 'Import failed'],
  bulk_failed: [422, 'Bulk change failed'],
  idempotency_key_reused: [422, 'Idempotency key reused'],
  precondition_required: [428, 'Precondition required'],
  too_many_logins: [429, 'Too many logins'],
  too_many_registrations: [429, 'Too many registrations'],
  headers_too_large: [431, 'Headers too large'],
  internal_error: [500, 'Internal error'],
  unsupported_transfer_coding: [501, 'Unsupported transfer coding'],
  too_busy: [503, 'Too busy'],
  store_unavailable: [503, 'Store unavailable'],
  console_unavailable: [503, 'Console unavailable'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type Code = keyof typeof problems

interface Extras {
  headers?: Record<string, string>
  members?: Record<string, unknown>
  cause?: unknown
  manager?: string | undefined
}

export class Problem extends Error {
  override name = 'Problem'
  readonly code: Code
  readonly headers: Record<string, string>
  readonly members: Record<string, unknown>
  readonly manager: string | undefined

  constructor(code: Code, detail: string, { headers = {}, members = {}, cause, manager }: Extras = {}) {
    super(detail, { cause })
    this.code = code
    this.headers = headers
    this.members = members
    this.manager = manager
  }

  get status(): number {
    return problems[this.code][0]
  }
}

export function storeUnavailable(store: string, cause: unknown): Problem {
  const detail = `${store} is unavailable. The request is valid; try again later.`
  return new Problem('store_unavailable', detail, { headers: { 'retry-after': '1' }, cause })
}

export function tooBusy(detail: string, retryAfter: number): Problem {
  return new Problem('too_busy', detail, { headers: { 'retry-after': String(retryAfter) } })
}

export function unsupportedMediaType(accepted: string): Problem {
  return new Problem('unsupported_media_type', `The body must be ${accepted}.`)
}

/** In the format, and with the type names, that clients of FastAPI know. */
export interface ValidationError {
  type: string
  /** `["body", "price_usd"]`, `["path", "id"]`, `["query", "expand"]`. */
  loc: (string | number)[]
  msg: string
}

export function validationFailed(parts: ValidationError[]): Problem {
  const [first] = parts
  const more = parts.length > 1 ? ` (and ${parts.length - 1} more)` : ''
  const detail = `Invalid request: ${first?.loc.join('.')} ${first?.msg}${more}.`
  return new Problem('invalid_request', detail, { members: { errors: parts } })
}
