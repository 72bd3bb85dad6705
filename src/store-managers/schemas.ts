import { type Static, Type } from 'typebox'

import { minPasswordLength } from '../auth/password-policy.ts'
import { exampleId, Name, nullable, textPattern, Uuid } from '../openapi/schemas.ts'

const ManagerId = Type.String({ ...Uuid, examples: [exampleId] })
const ManagerName = Type.String({ ...Name, examples: ['Ada Lovelace'] })
const Email = Type.String({
  format: 'idn-email',
  maxLength: 254,
  description:
    'Unique, ignoring case. Surrounding whitespace is removed; internationalized addresses (RFC 6531) are normalized (NFC)',
  examples: ['ada@example.com'],
})
const plainPassword = 'correct horse battery'
const Password = Type.String({ minLength: minPasswordLength, pattern: textPattern, format: 'password' })

export const StoreManager = Type.Object(
  { id: ManagerId, name: ManagerName, email: Email },
  { $id: 'StoreManager', description: 'A registered manager' },
)
export type StoreManager = Static<typeof StoreManager>

export const StoreManagerCreate = Type.Object(
  {
    name: ManagerName,
    email: Email,
    password: Type.Optional({
      ...Password,
      description: 'At least 8 characters, not a common password, and neither the name nor the email address',
      examples: [plainPassword],
    }),
    password_hash: Type.Optional({
      ...Password,
      description: 'Deprecated alias of `password`; also the plain password',
    }),
  },
  {
    $id: 'StoreManagerCreate',
    oneOf: [
      { title: 'With password', required: ['password'] },
      { title: 'With password_hash', required: ['password_hash'] },
    ],
    examples: [{ name: 'Ada Lovelace', email: 'ada@example.com', password: plainPassword }],
    'x-rule': 'must have exactly one of password and password_hash',
  },
)
export type StoreManagerCreate = Static<typeof StoreManagerCreate>

const CurrentPassword = Type.String({ pattern: textPattern, format: 'password', examples: [plainPassword] })

export const StoreManagerUpdate = Type.Object(
  {
    name: Type.Optional(nullable(ManagerName)),
    email: Type.Optional(nullable(Email)),
    password: Type.Optional(nullable({ ...Password, description: 'Revokes all other tokens of the manager' })),
    current_password: Type.Optional(
      nullable({ ...CurrentPassword, description: 'The current password; required to change `email` or `password`' }),
    ),
  },
  {
    $id: 'StoreManagerUpdate',
    description: 'Absent and null fields are left unchanged',
    examples: [{ name: 'Ada King' }, { email: 'ada@example.org', current_password: plainPassword }],
  },
)
export type StoreManagerUpdate = Static<typeof StoreManagerUpdate>

export const StoreManagerRemoval = Type.Object(
  { current_password: { ...CurrentPassword, description: 'The current password' } },
  { $id: 'StoreManagerRemoval', examples: [{ current_password: plainPassword }] },
)
export type StoreManagerRemoval = Static<typeof StoreManagerRemoval>

const exampleCode = '3XJ4-9GQ0-T5VN-8KDW-ZE72-MH1C-RB6S-PAFY'

export const PasswordReset = Type.Object(
  {
    code: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: textPattern,
      description: 'The reset code, in any case, with or without its dashes',
      examples: [exampleCode],
    }),
    password: { ...Password, description: 'The new password. Revokes all tokens of the manager' },
  },
  {
    $id: 'PasswordReset',
    description: 'A new password, authorized by a reset code from an operator',
    examples: [{ code: exampleCode, password: plainPassword }],
  },
)
export type PasswordReset = Static<typeof PasswordReset>

const Ignored = Type.Optional(Type.String({ pattern: textPattern, description: 'Ignored' }))

/** RFC 6749 §4.3.2. Client credentials are accepted and ignored. */
export const LoginForm = Type.Object(
  {
    grant_type: Type.Optional(Type.Unsafe<'password' | ''>({ type: 'string', enum: ['password', ''] })),
    username: Type.String({
      pattern: textPattern,
      description: 'The email address. Surrounding whitespace is removed',
      examples: ['ada@example.com'],
    }),
    password: Type.String({
      pattern: textPattern,
      format: 'password',
      description: 'The password',
      examples: [plainPassword],
    }),
    scope: Ignored,
    client_id: Ignored,
    client_secret: Ignored,
  },
  {
    $id: 'LoginForm',
    description: 'The form of the OAuth2 password grant',
    examples: [{ grant_type: 'password', username: 'ada@example.com', password: plainPassword }],
  },
)
export type LoginForm = Static<typeof LoginForm>

export const Token = Type.Object(
  {
    access_token: Type.String({ description: 'A JWT', examples: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI…'] }),
    token_type: Type.Unsafe<'jwt' | 'bearer'>({ type: 'string', enum: ['jwt', 'bearer'], examples: ['jwt'] }),
    expires_in: Type.Integer({ description: 'Lifetime in seconds', examples: [86_400] }),
  },
  { $id: 'Token', description: 'A token, sent as `Authorization: Bearer <access_token>`' },
)

export const LogoutQuery = Type.Object({
  scope: Type.Optional(
    Type.Unsafe<'token' | 'all'>({
      type: 'string',
      enum: ['token', 'all'],
      default: 'token',
      description: 'What to revoke: this `token`, or `all` tokens of the manager, on every device',
      examples: ['token'],
    }),
  ),
})
export type LogoutQuery = Static<typeof LogoutQuery>
