import type { Target } from '../mutant.ts'

/** Tokens: what they say, and when they end. */
export const tokenTargets: Target[] = [
  {
    file: 'src/auth/checked-reads.ts',
    tests: ['auth/authentication', 'items/etags: learns nothing', 'items/items: an item with'],
    mistakes: [
      {
        what: 'an item is read for a token that was logged out',
        before: 'problem: refusals.get(read.token), row:',
        after: 'row:',
        tests: ['items/etags: learns nothing'],
      },
      {
        what: 'Redis is asked about the token of each read',
        before: 'const asksRedis = !wasJustChecked(token)',
        after: 'const asksRedis = true',
        tests: ['e2e/revocations: ask Redis'],
      },
      {
        what: 'reads never ask Redis',
        before: 'const asksRedis = !wasJustChecked(token)',
        after: 'const asksRedis = false',
        tests: ['e2e/revocations: ask Redis'],
      },
    ],
  },
  {
    file: 'src/auth/token-check.ts',
    tests: ['auth/authentication: has been refused|never was', 'auth/late-requests: Redis alone', 'auth/token-check'],
    mistakes: [
      {
        what: 'a token that is remembered as refused is admitted without a check',
        before: 'if (known) throw known()',
        after: 'if (known) return undefined',
      },
      {
        what: 'a check counts from its end and not from when PostgreSQL was asked',
        before: 'admittedAt.set(token, begun)',
        after: 'admittedAt.set(token, performance.now())',
        tests: ['auth/token-check'],
      },
      {
        what: 'a read that does not ask Redis puts off the next one that does',
        before: 'if (asksRedis) admittedAt',
        after: 'admittedAt',
        tests: ['e2e/revocations: ask Redis'],
      },
      {
        what: 'a check from long ago counts as recent',
        before: 'performance.now() - (admittedAt.get(token) ?? -Infinity) < staleAfterMs',
        after: 'admittedAt.has(token)',
        tests: ['auth/token-check'],
      },
    ],
  },
  {
    file: 'src/auth/authenticate.ts',
    tests: [
      'auth/authentication: has been refused|expensive',
      'auth/token-check',
      'auth/late-requests: another replica',
    ],
    mistakes: [
      {
        what: 'lists are sent to tokens that were logged out',
        before:
          'request.token = await identify(request, authentication)\n    await authentication.checkToken(request.token)\n  })\n  app.addHook',
        after: 'request.token = await identify(request, authentication)\n  })\n  app.addHook',
      },
      {
        what: 'a write is not checked before its body arrives',
        before:
          'request.pendingTokenCheck = () => authentication.checkToken(token)\n    await checkUnlessRecent(token, authentication)',
        after: 'request.pendingTokenCheck = () => authentication.checkToken(token)',
        tests: ['auth/token-check'],
      },
    ],
  },
  {
    file: 'src/auth/claims.ts',
    tests: ['auth/authentication: claim|no jti|scheme Bearer|capital'],
    mistakes: [
      { what: 'tokens of other issuers count', before: 'isKnownType && iss === issuer &&', after: 'isKnownType &&' },
      { what: 'tokens of any type count, such as ID tokens', before: 'return isKnownType &&', after: 'return' },
      { what: 'the ID of a token may be any text', before: '!isUuid(sub) || !isUuid(jti)', after: '!isUuid(sub)' },
      {
        what: 'a token with capital letters in its ID stays valid after its logout',
        before: 'jti: jti.toLowerCase()',
        after: 'jti',
      },
      {
        what: 'a time may be too late for PostgreSQL',
        before: 'isWithin(exp, latest)',
        after: 'isWithin(exp, latest + 1)',
      },
    ],
  },
  {
    file: 'src/auth/idle-tokens.ts',
    tests: ['auth/idle-tokens'],
    mistakes: [
      {
        what: 'the time of issue does not count as a use',
        before: 'greatest(token_uses.used_at, to_timestamp(wanted.issued_at))',
        after: 'token_uses.used_at',
      },
      { what: 'a use is not recorded', before: 'if (used.length > 0)', after: 'if (used.length > 1)' },
      { what: 'uses that still count are swept', before: 'secs => ${longest})`', after: 'secs => 0)`' },
    ],
  },
  {
    file: 'src/auth/late-responses.ts',
    tests: ['auth/late-requests: slow response|a stream survives'],
    mistakes: [
      {
        what: 'a slow response goes out though its token has ended',
        before: 'await checkToken(token)\n    } catch (error) {\n      for',
        after: 'checkToken(token).catch(() => {})\n    } catch (error) {\n      for',
      },
      {
        what: 'a refused slow page shows where the next one is',
        before: "const revealing = ['link', 'x-next-after', 'x-total-count']",
        after: 'const revealing: string[] = []',
      },
      {
        what: 'the token of a stream is checked once',
        before: 'if (!stream.destroyed) timer = ',
        after: 'if (false) timer = ',
      },
      {
        what: 'one check that fails for a moment breaks a list off',
        before: 'if (isRefused || failures > 1)',
        after: 'if (isRefused || failures > 0)',
      },
      { what: 'failures with successes between them add up', before: 'failures = 0\n    } catch', after: '} catch' },
    ],
    survivors: [
      {
        before: "if (!['GET', 'HEAD'].includes(method) || reply.statusCode >= 400) return",
        after: "if ((!['GET', 'HEAD'].includes(method) && reply.statusCode >= 400)) return",
        reason:
          'Of other methods these routes have imports alone, whose token is locked until their commit. An error that took long only checks its token once more.',
      },
    ],
  },
  {
    file: 'src/auth/revocations.ts',
    tests: [
      'auth/revocations: everywhere|swept|just been deleted',
      'e2e/revocations: Redis alone',
      'auth/authentication: logged-out|ends its own',
      'auth/idle-tokens',
    ],
    mistakes: [
      {
        what: 'a logout is in Redis alone',
        before: 'await asManager(db, token, (transaction) => insert(transaction, token))',
        after: '',
        tests: ['auth/authentication: logged-out|ends its own'],
      },
      {
        what: 'the token that changed the password ends with the others',
        before: ' && token.jti !== manager?.kept',
        after: '',
        tests: ['store-managers/me: password change ends'],
      },
      {
        what: 'tokens that only Redis knows to be logged out count',
        before: 'else if (copied.has(token.jti))',
        after: 'else if (false)',
        tests: ['e2e/revocations: Redis alone'],
      },
      {
        what: 'a Redis that is down refuses every token',
        before: 'client.mGet(jtis)).catch(() => undefined)',
        after: 'client.mGet(jtis))',
        tests: ['e2e/revocations: refuses connections'],
      },
      {
        what: 'a copy in Redis ends immediately',
        before: "expiration: { type: 'EXAT', value: exp }",
        after: "expiration: { type: 'EX', value: 1 }",
        tests: ['auth/authentication: Redis holds'],
      },
      {
        what: 'records are swept while their token may still count',
        before: 'new Date(Date.now() - purgeIntervalMs)',
        after: 'new Date(Date.now() + purgeIntervalMs)',
        tests: ['auth/revocations: swept'],
      },
    ],
  },
  {
    file: 'src/auth/token-lock.ts',
    tests: ['items/import/tokens: continues|locked|disabling|during'],
    mistakes: [
      { what: 'a logout does not wait for the commit of an import', before: ' for share`', after: '`' },
      { what: 'a token that was logged out commits', before: 'if (rowCount === 0) throw loggedOut()', after: '' },
      {
        what: 'a token from before a new password commits',
        before: 'generation !== manager.generation && jti !== manager.kept',
        after: 'false',
      },
      { what: 'a token that has expired commits', before: 'if (exp * 1000 <= Date.now()) throw expired()', after: '' },
      { what: 'each import logs its token out', before: 'await session.query(deleteRecord, [jti])', after: '' },
    ],
    survivors: [
      {
        before: 'await session.query(deleteRecord, [jti])',
        after: 'session.query(deleteRecord, [jti])',
        reason:
          'The statements of a connection run in the order in which they are sent, so the commit still follows it.',
      },
    ],
  },
  {
    file: 'src/auth/tokens.ts',
    tests: ['auth/authentication: scheme|usual length|verified before|HS512', 'store-managers/store-managers: a token'],
    mistakes: [
      {
        what: 'any algorithm of HMAC is accepted',
        before: 'jwtVerify(token, key, { algorithms: [algorithm] })',
        after: 'jwtVerify(token, key)',
      },
      {
        what: 'a verified token counts for ever',
        before: 'if (known !== undefined && known.exp * 1000 <= Date.now()) throw expired()',
        after: '',
      },
      {
        what: 'a header of any length is kept in memory',
        before: 'if (authorization.length <= maxCachedLength) cache.set',
        after: 'cache.set',
      },
      {
        what: 'tokens of one manager have one ID',
        before: '.setJti(randomUUID())',
        after: '.setJti(id)',
        tests: ['auth/authentication: logged-out|ends its own'],
      },
      {
        what: 'a token counts after a logout everywhere',
        before: '{ gen: generation } : {}',
        after: '{} : {}',
        tests: ['auth/revocations: everywhere'],
      },
    ],
  },
  {
    file: 'src/auth/token-validity.ts',
    tests: [
      'auth/late-requests: expires before|a new item\\)|everywhere',
      'store-managers/me: deleted|password change ends',
    ],
    mistakes: [
      {
        what: 'writes of a token that has expired are made',
        before: 'wanted.exp > extract(epoch from statement_timestamp())\n  and not exists',
        after: 'not exists',
        tests: ['auth/late-requests: expires before'],
      },
      {
        what: 'writes of a token that was logged out are made',
        before: '\n  and not exists (select from revoked_tokens where revoked_tokens.jti = wanted.jti)',
        after: '',
        tests: ['auth/late-requests: a new item\\)'],
      },
      {
        what: 'writes of the token that changed the password are refused',
        before: ' or store_managers.kept_token = wanted.jti',
        after: '',
        tests: ['store-managers/me: password change ends'],
      },
      {
        what: 'two changes of an account run concurrently',
        before: 'toDelete ? query.forUpdate() : query.forNoKeyUpdate()',
        after: 'query',
        tests: ['store-managers/me: concurrent password|after a logout everywhere|undone'],
      },
    ],
  },
]
