import type { Target } from '../mutant.ts'

/** Passwords, and how often they may be tried. */
export const loginTargets: Target[] = [
  {
    file: 'src/auth/rate-limits.ts',
    tests: ['auth/rate-limits: below|headers|limit of 0|too many failed|begin with', 'auth/rate-limits: replicas'],
    mistakes: [
      {
        what: 'the last that may get in is refused',
        before: 'exceeded: count > points',
        after: 'exceeded: count >= points',
      },
      { what: 'each failure makes the wait longer', before: ', noUpdateTTL: true', after: '' },
      {
        what: 'a count in Redis falls below 0',
        before: "if count < 0 then count = redis.call('incrby', KEYS[1], -count) end\n",
        after: '',
      },
      {
        what: 'a count in memory falls below 0',
        before: 'Math.max(0, (counts.get(key) ?? 0) + points)',
        after: '(counts.get(key) ?? 0) + points',
      },
      {
        what: 'nothing is limited while Redis is down',
        before: 'return otherwise(key, points)',
        after: 'return [0, 1000]',
        tests: ['auth/rate-limits: replicas'],
      },
    ],
  },
  {
    file: 'src/auth/generated-secret.ts',
    tests: ['auth/generated-secret'],
    mistakes: [
      {
        what: 'a second process replaces the secret of the first',
        before: 'await link(temporaryPath, path).catch(() => {})',
        after: "await writeFile(path, randomBytes(64).toString('base64url'), { mode: 0o600 })",
      },
      { what: 'a link to a secret is followed', before: ' | constants.O_NOFOLLOW', after: '' },
      { what: 'a start hangs on a FIFO', before: ' | constants.O_NONBLOCK', after: '' },
      { what: 'a secret that a group can read is used', before: '(mode & 0o077)', after: '(mode & 0o007)' },
      { what: 'drafts of the secret stay', before: 'await rm(temporaryPath)', after: '' },
    ],
    survivors: [
      {
        before:
          "await writeFile(temporaryPath, randomBytes(64).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true })",
        after:
          "await writeFile(temporaryPath, randomBytes(64).toString('base64url'), { mode: 0o600, flag: 'wx', flush: false })",
        reason: 'Only a power failure would show what was not flushed.',
      },
    ],
  },
  {
    file: 'src/auth/login-throttle.ts',
    tests: [
      'auth/rate-limits: too many failed|outage|guessing|unknown account',
      'auth/rate-limits: spelling|may still fail',
    ],
    mistakes: [
      {
        what: 'logins that succeed count as failures',
        before: 'await countFailures(-1)\n        return result',
        after: 'return result',
      },
      {
        what: 'logins that no store could decide count as failures',
        before: 'await countFailures(-1)\n          throw error',
        after: 'throw error',
        tests: ['auth/rate-limits: outage'],
      },
      {
        what: 'an account over its limit is closed to its owner',
        before: 'try {\n        const signal',
        after:
          "if ((await perAccount?.consume(key, 0))?.exceeded) throw new Problem('too_many_logins', '')\n      try {\n        const signal",
        tests: ['auth/rate-limits: guessing'],
      },
      {
        what: 'failures at an attacked account weigh as others do',
        before: 'await countFailures(penalty - 1)',
        after: '',
        tests: ['auth/rate-limits: guessing'],
      },
      {
        what: 'successful logins are not limited',
        before: 'if (all?.exceeded) throw',
        after: 'if (false) throw',
        tests: ['auth/login-floods: successful'],
      },
      {
        what: 'logins of one account take all places',
        before: 'accounts.run(() => logIn({ party: network, signal }), key, signal)',
        after: 'logIn({ party: network, signal })',
        tests: ['auth/login-floods: one account from 80'],
      },
    ],
  },
  {
    file: 'src/http/client-address.ts',
    tests: ['auth/rate-limits: IPv4|forwarded address|proxy in TRUST_PROXY', 'config/config: TRUST_PROXY'],
    mistakes: [
      { what: 'each address of an IPv6 network has its own limit', before: '.slice(0, 4)', after: '' },
      { what: 'what cannot be read is a key of its own', before: 'return unreadable', after: 'return plain' },
      {
        what: 'one proxy more is believed',
        before: 'hop < proxies',
        after: 'hop <= proxies',
        tests: ['auth/rate-limits: TRUST_PROXY says'],
      },
    ],
  },
  {
    file: 'src/auth/passwords.ts',
    tests: ['auth/passwords: bytes|original|normalized|another cost', 'auth/passwords: same work'],
    mistakes: [
      {
        what: 'what follows 72 bytes of a password does not count',
        before: "return createHash('sha384').update(password).digest('base64')",
        after: 'return password',
        tests: ['auth/passwords: 71'],
      },
      {
        what: 'a password of 72 bytes is hashed as it is',
        before: 'Buffer.byteLength(password) < bcryptMaxBytes',
        after: 'Buffer.byteLength(password) <= bcryptMaxBytes',
        tests: ['auth/passwords: 71'],
      },
      {
        what: 'passwords that were hashed before they were normalized fail',
        before: '...(normal === password ? [] :',
        after: '...(true ? [] :',
        tests: ['auth/passwords: non-normalized'],
      },
      {
        what: 'hashes of another cost stay',
        before: 'needsRehash: isOutdated ?? rounds !== cost',
        after: 'needsRehash: isOutdated ?? false',
        tests: ['auth/passwords: another cost'],
      },
      {
        what: 'the time tells the cost of a hash',
        before: 'await equalizeCost(rounds, targetCost)',
        after: '',
        tests: ['auth/passwords: same work'],
      },
      {
        what: 'hashes take all cores',
        before: 'availableParallelism() - 1',
        after: 'availableParallelism() + 1',
        tests: ['auth/passwords: core free'],
      },
    ],
    survivors: [
      {
        before: 'dummyHash.catch(() => {})',
        after: ';',
        reason: 'The first hash finds a free place, and bcrypt fails for no cost that BCRYPT_COST allows.',
      },
    ],
  },
  {
    file: 'src/auth/password-policy.ts',
    tests: ['auth/passwords: common|8 characters', 'store-managers/store-managers: is refused and not quoted'],
    mistakes: [
      {
        what: 'capital letters make a common password a good one',
        before: 'text.toLowerCase().replaceAll',
        after: 'text.replaceAll',
      },
      {
        what: 'a part of a common password counts as common',
        before: 'common.includes(`\\n${plain}\\n`)',
        after: 'common.includes(plain)',
      },
      { what: 'characters beyond the BMP count as two', before: "}`, 'su')", after: "}`, 's')" },
    ],
  },
  { file: 'src/auth/reset-codes.ts', tests: ['store-managers/password-reset'], mistakes: [] },
]
