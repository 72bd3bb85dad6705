import type { Target } from '../mutant.ts'

/** Mistakes elsewhere that tests once missed. */
export const otherTargets: Target[] = [
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
    tests: ['http/connections: evicted|given away'],
    mistakes: [
      {
        what: 'a client that has disconnected is evicted instead of a live one',
        before: 'if (open.has(socket)) idle.add(socket)',
        after: 'idle.add(socket)',
      },
      {
        what: 'a connection is evicted while its request is at work',
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
]
