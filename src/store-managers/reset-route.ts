import type { Context } from '../context.ts'
import { rateLimitKey } from '../http/client-address.ts'
import { rejectCrossSite } from '../http/cross-site.ts'
import { logEvent } from '../http/security-events.ts'
import type { App } from '../http/types.ts'
import { operation } from '../openapi/document.ts'
import { problemResponses, unavailable, withBody, rateLimit } from '../openapi/responses.ts'
import { ref } from '../openapi/schemas.ts'
import { resetPassword } from './password-reset.ts'
import { PasswordReset, StoreManager } from './schemas.ts'

export function resetRoute(app: App, context: Context): void {
  app.post(
    '/reset-password',
    {
      onRequest: rejectCrossSite(context.config.corsOrigins),
      schema: {
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
      },
    },
    async (request, reply) => {
      const attempt = { network: rateLimitKey(request.ip) }
      const manager = await context.loginThrottle.guard(attempt, reply, (caller) =>
        resetPassword(context, request.body, caller),
      )
      logEvent(request, 'password_reset', { manager: manager.id })
      return manager
    },
  )
}
