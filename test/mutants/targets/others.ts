import type { Target } from '../mutant.ts'
import { traceTargets } from './traces.ts'

/** Mistakes elsewhere that tests once missed. */
export const otherTargets: Target[] = [
  ...traceTargets,
  {
    file: 'src/lifecycle/drain.ts',
    tests: ['e2e/drain: accepted'],
    mistakes: [
      {
        what: 'connections in the accept queue are reset',
        before: '  await waitForEmptyBacklog(connections)\n',
        after: '',
      },
    ],
  },
  {
    file: 'src/http/connections.ts',
    tests: ['http/connections: evicted|unserved'],
    mistakes: [
      {
        what: 'a connection that was reset in the accept queue is served',
        before: 'if (wasReset(socket)) {',
        after: 'if (false) {',
      },
      {
        what: 'a client that has disconnected is evicted instead of a live one',
        before: 'if (open.has(socket)) idle.add(socket)',
        after: 'idle.add(socket)',
      },
      {
        what: 'a connection is evicted while its request is active',
        before: 'markActive(socket) {\n      idle.delete(socket)',
        after: 'markActive(socket) {\n',
      },
    ],
  },
  {
    file: 'src/cli/files.ts',
    tests: ['e2e/command-files: link'],
    mistakes: [
      {
        what: 'an export replaces a symbolic link',
        before: 'const place = await placeOf(file)',
        after: 'const place = file',
      },
      {
        what: 'an export makes what a link should lead to',
        before: 'if (link?.isSymbolicLink())',
        after: 'if (false)',
      },
    ],
  },
  {
    file: 'src/database/open-engine.ts',
    tests: ['database/open-engine: without Citus'],
    mistakes: [
      {
        what: 'a database without Citus is asked for its distributed tables',
        before: '    if (extension.rowCount === 0) return false\n',
        after: '',
      },
      {
        what: 'a plain PostgreSQL is taken for Citus',
        before: 'isCitus ? openCitus',
        after: 'true ? openCitus',
        tests: ['changes/feed/feed: a copy begins'],
      },
    ],
  },
  {
    file: 'src/database/citus.ts',
    tests: ['auth/token-check: reads an item apart'],
    mistakes: [
      {
        what: 'Citus reads an item and the record of tokens in one statement',
        before: 'readsTogether: false',
        after: 'readsTogether: true',
      },
    ],
  },
  {
    file: 'src/database/embedded/ownership.ts',
    tests: ['e2e/embedded: lost its lock'],
    mistakes: [
      {
        what: 'an owner that lost its lock shuts the next one down',
        before: 'if (!lock.isLost()) return lock',
        after: 'return lock',
      },
    ],
  },
  {
    file: 'src/tls.ts',
    tests: ['e2e/postgres-tls: means'],
    mistakes: [
      {
        what: 'verify-full accepts the certificate of another host',
        before: "...(mode !== 'verify-full' && { checkServerIdentity",
        after: '...({ checkServerIdentity',
      },
      {
        what: 'require ignores the certificate authority that it was given',
        before: "mode !== 'require' || ca !== undefined",
        after: "mode !== 'require'",
      },
    ],
  },
  {
    file: 'src/database/channel-binding.ts',
    tests: ['e2e/postgres-tls: channel_binding'],
    mistakes: [
      {
        what: 'a server that asks for no password is accepted',
        before: 'if (!isBound) refuse()',
        after: '',
      },
      {
        what: 'a password is sent in plain text',
        before: "connection.on('authenticationCleartextPassword', refuse)",
        after: '',
      },
    ],
  },
  {
    file: 'src/config/database-url.ts',
    tests: ['config/database-url'],
    mistakes: [
      {
        what: 'a parameter that is not known is ignored',
        before: 'if (setting === undefined) {',
        after: 'if (false) {',
      },
    ],
  },
  {
    file: 'src/http/root-path.ts',
    tests: ['http/root-path'],
    mistakes: [
      {
        what: 'any client can send X-Forwarded-Prefix',
        before: "|| !isTrusted || !isTrusted(socket.remoteAddress ?? '', 0)) return",
        after: ') return',
      },
    ],
  },
]
