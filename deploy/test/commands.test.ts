import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { secret } from '../../test/support/app.ts'
import { openClone } from '../../test/support/clone.ts'
import { password } from '../../test/support/fixtures.ts'
import { commandsOf } from '../../test/support/operations.ts'
import { run, servingAt } from '../../test/support/service.ts'
import { openCluster } from './cluster.ts'

test('the commands of docs/operations work on a new server', async (t: TestContext) => {
  const { bash, server } = await openCluster(t)
  const { folder } = await openClone(t)
  const paste = async (commands: string) => {
    const { ended, output } = run(t, 'bash', ['-euc', commands], { LOG_LEVEL: 'warn' }, folder)
    t.assert.strictEqual(await ended, 0, output())
    return output()
  }
  const [copy = '', start = ''] = commandsOf('README.md', 'cp .env.example .env').split('\n')
  await paste(copy)
  const values: Record<string, string> = {
    POSTGRES_HOST: server.host,
    POSTGRES_PORT: String(server.port),
    REDIS_HOST: process.env['REDIS_HOST'] ?? '',
    REDIS_PORT: process.env['REDIS_PORT'] ?? '',
    JWT_SECRET: secret,
  }
  const example = await readFile(join(folder, '.env'), 'utf8')
  const filled = example.replaceAll(/^([A-Z_]+)=.*$/gm, (line, name: string) =>
    name in values ? `${name}=${values[name]}` : line,
  )
  await writeFile(join(folder, '.env'), filled)

  t.assert.match(await paste(commandsOf('upgrade.md', 'npx --no-install stockroom migrate up')), /^applied: /m)
  const service = run(t, 'bash', ['-euc', start], { PORT: '0' }, folder)
  const url = await servingAt(service.output, service.ended)
  await writeFile(join(folder, 'password.txt'), `${password}\n`)
  t.assert.match(await paste(commandsOf('README.md', 'npx --no-install stockroom manager create')), /^Registered ada@/m)
  const login = new URLSearchParams({ username: 'ada@example.com', password })
  t.assert.strictEqual((await fetch(`${url}/store-managers/token`, { method: 'POST', body: login })).status, 200)
  const rebuild = commandsOf('upgrade.md', 'reindex database')
  bash(`psql --dbname=stockroom --set=ON_ERROR_STOP=1 <<'END'\n${rebuild}END`)
  t.assert.strictEqual(await (await fetch(`${url}/readyz?stores`)).text(), 'ready')
  t.assert.match(await paste(commandsOf('capacity.md', 'npm run bench:capacity')), /^connections to PostgreSQL/m)
})
