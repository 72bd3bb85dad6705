import { Type } from 'typebox'

import { operation, signedIn } from '../openapi/document.ts'
import {
  authenticated,
  problemResponses,
  rateLimit,
  replayed,
  unavailable,
  withBody,
  keyProblems,
} from '../openapi/responses.ts'
import { IdempotencyKey, Message, ref, strict } from '../openapi/schemas.ts'
import {
  LoginForm,
  LogoutQuery,
  PasswordReset,
  StoreManager,
  StoreManagerCreate,
  StoreManagerRemoval,
  StoreManagerUpdate,
  Token,
} from './schemas.ts'

export const components = [
  StoreManager,
  StoreManagerCreate,
  StoreManagerUpdate,
  StoreManagerRemoval,
  PasswordReset,
  LoginForm,
  Token,
]

export const registerStoreManager = {
  ...operation('registerStoreManager', 'Store managers', 'Register a manager'),
  description: 'Send the password as either `password` or `password_hash`.',
  security: [],
  headers: IdempotencyKey,
  body: ref(StoreManagerCreate),
  response: {
    201: { ...ref(StoreManager), description: 'The registered manager', headers: { ...rateLimit, ...replayed } },
    ...problemResponses([
      ...withBody,
      'registration_closed',
      'cross_site_request',
      'email_taken',
      ...keyProblems,
      'too_many_registrations',
      ...unavailable,
    ]),
  },
}

export const logIn = {
  ...operation('logIn', 'Store managers', 'Log in'),
  description: 'The OAuth2 password grant (RFC 6749 §4.3). Client credentials are ignored.',
  security: [],
  consumes: ['application/x-www-form-urlencoded', 'multipart/form-data'],
  body: ref(LoginForm),
  response: {
    200: { ...ref(Token), description: 'The token', headers: rateLimit },
    ...problemResponses([...withBody, 'invalid_credentials', 'cross_site_request', 'too_many_logins', ...unavailable]),
  },
}

export const resetPassword = {
  ...operation('resetPassword', 'Store managers', 'Set a new password with a reset code'),
  description:
    'An operator issues the code, which is valid once, for an hour. The new password revokes all tokens of the manager. ' +
    'Wrong codes count as failed logins of their address.',
  security: [],
  body: ref(PasswordReset),
  response: {
    200: { ...ref(StoreManager), description: 'The manager whose password was set', headers: rateLimit },
    ...problemResponses([
      ...withBody,
      'account_disabled',
      'invalid_reset_code',
      'cross_site_request',
      'too_many_logins',
      ...unavailable,
    ]),
  },
}

const loggedOut = {
  200: { ...ref(Message), description: 'The token, or every token of the manager, has been revoked' },
}

export const logOut = {
  ...operation('logOut', 'Store managers', 'Log out (GET)'),
  description: 'For clients of the original service. Use `logOutByPost` instead: GET should not change anything.',
  deprecated: true,
  security: signedIn,
  querystring: { ...LogoutQuery, ...strict },
  response: { ...loggedOut, ...problemResponses([...authenticated, 'invalid_request', ...unavailable]) },
}

export const logOutByPost = {
  ...operation('logOutByPost', 'Store managers', 'Log out'),
  description: 'No body is needed.',
  security: signedIn,
  querystring: { ...LogoutQuery, ...strict },
  // A body is parsed all the same, and rejected if it is invalid.
  response: { ...loggedOut, ...problemResponses([...withBody, ...authenticated, ...unavailable]) },
}

export const getMe = {
  ...operation('getMe', 'Store managers', 'Get the signed-in manager'),
  security: signedIn,
  response: {
    200: { ...ref(StoreManager), description: 'The manager' },
    ...problemResponses([...authenticated, ...unavailable]),
  },
}

export const updateMe = {
  ...operation('updateMe', 'Store managers', 'Update the signed-in manager'),
  description:
    'A new password revokes all other tokens of the manager. Wrong current passwords count as failed logins.',
  security: signedIn,
  body: ref(StoreManagerUpdate),
  response: {
    200: { ...ref(StoreManager), description: 'The updated manager', headers: rateLimit },
    ...problemResponses([
      ...withBody,
      ...authenticated,
      'wrong_password',
      'email_taken',
      'too_many_logins',
      ...unavailable,
    ]),
  },
}

export const deleteMe = {
  ...operation('deleteMe', 'Store managers', 'Delete the signed-in manager'),
  description: 'A manager who owns items cannot be deleted. Wrong current passwords count as failed logins.',
  security: signedIn,
  body: ref(StoreManagerRemoval),
  response: {
    204: { ...Type.Null({ description: 'Deleted' }), headers: rateLimit },
    ...problemResponses([
      ...withBody,
      ...authenticated,
      'wrong_password',
      'manager_owns_items',
      'too_many_logins',
      ...unavailable,
    ]),
  },
}
