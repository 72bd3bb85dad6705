import type { Target } from '../mutant.ts'

/** The session of the web console, what it may call, and what is served to browsers. */
export const consoleTargets: Target[] = [
  {
    file: 'src/console/cookie.ts',
    tests: ['console/session'],
    mistakes: [
      {
        what: 'the cookie is sent with every path',
        before: 'Path=${request.rootPath}/console; HttpOnly',
        after: 'Path=/; HttpOnly',
      },
      {
        what: 'scripts can read the cookie',
        before: '=${token}; Path=${request.rootPath}/console; HttpOnly',
        after: '=${token}; Path=/console',
      },
      {
        what: 'the cookie of another port is read',
        before: "/:(\\d+)$/.exec(host)?.[1] ?? '80'",
        after: "'80'",
      },
      {
        what: 'a cookie that was set without TLS is read over TLS',
        before: 'isOverTls(request) ? undefined : values',
        after: 'values',
      },
    ],
  },
  {
    file: 'src/console/same-origin.ts',
    tests: ['console/calls: every method'],
    mistakes: [
      { what: 'any page uses the session', before: 'if (isSameOrigin(request)) return', after: 'return' },
      { what: 'other ports use the session', before: "site === 'same-origin'", after: "site !== 'cross-site'" },
    ],
  },
  {
    file: 'src/console/api.ts',
    tests: ['console/calls'],
    mistakes: [
      { what: 'the header of a call counts', before: 'delete raw.headers.authorization', after: '{}' },
      { what: 'the session needs no origin', before: '!isCall && routeOptions.url !== sessionPath', after: '!isCall' },
    ],
  },
  {
    file: 'src/console/rewrite.ts',
    tests: ['console/calls', 'console/pages'],
    mistakes: [
      {
        what: 'every route can be called with the cookie',
        before: 'if (!calls.test(target)) return undefined',
        after: '',
      },
      {
        what: 'the console can get a token',
        before: '(?:me|reset-password)',
        after: '(?:me|reset-password|token)',
      },
    ],
  },
  {
    file: 'src/console/session.ts',
    tests: ['console/session'],
    mistakes: [
      {
        what: 'a sign-out only deletes the cookie',
        before: 'await (isEverywhere ? revocations.revokeAll(token) : revocations.revoke(token))',
        after: '',
      },
    ],
  },
  { file: 'src/console/routes.ts', tests: ['console/pages'], mistakes: [] },
  { file: 'src/console/assets.ts', tests: ['console/pages'], mistakes: [] },
]
