import { test, type TestContext } from 'node:test'

import { checkInterrupt } from './interrupt.ts'

test('SIGINT ends a proxy with its workers', (t: TestContext) =>
  checkInterrupt(t, ['edge', 'nginx passes'], 'nginx: worker', ['SIGINT', 130]))

test('SIGTERM ends Prometheus', (t: TestContext) =>
  checkInterrupt(t, ['monitoring', 'each query'], 'prometheus --config', ['SIGTERM', 143]))

test('SIGKILL ends a PostgreSQL that runs in the background', (t: TestContext) =>
  checkInterrupt(t, ['backup', 'a dump'], '/usr/lib/postgresql/', ['SIGKILL', 'SIGKILL']))
