import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { closeAfter } from '../../test/support/cleanup.ts'
import { password } from '../../test/support/fixtures.ts'
import { commandsOf } from '../../test/support/operations.ts'
import { temporaryFolder } from '../../test/support/service.ts'
import { eventually, until } from '../../test/support/until.ts'
import { buildah, buildImage, image, kept, storage } from './container.ts'

const root = join(import.meta.dirname, '../..')
const longestStartMs = 240_000

const engine = `[network]
network_backend = "netavark"
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
`

/** What the official image of PostgreSQL does with its variables. */
const startPostgres = `#!/bin/sh
set -eu
data=/var/lib/postgresql/data
run() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
mkdir -p "$data" /run/postgresql
chown postgres:postgres "$data" /run/postgresql
if [ ! -s "$data/PG_VERSION" ]; then
  run initdb --pgdata="$data" --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
  echo "create database $POSTGRES_DB" | run postgres --single -D "$data" postgres
  echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
fi
exec setpriv --reuid postgres --regid postgres --clear-groups postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql
`

const createManager = commandsOf('README.md', 'docker compose run --rm')
const backUp = commandsOf('backup.md', 'docker compose exec -T db pg_dump')

before(buildImage)

/** The images of PostgreSQL, Redis, and Caddy that compose.yaml names, made from Debian's packages. */
async function makeStores(folder: string): Promise<void> {
  const stores = 'localhost/stockroom-stores'
  if ((await buildah('images', '--quiet', stores).catch(() => '')) === '') {
    const archive = join(kept, 'stores.tar')
    if (!existsSync(archive)) {
      const packages = '--include=postgresql,redis-server,caddy'
      const args = ['--quiet', '--format=tar', '--variant=minbase', packages, 'bookworm', `${archive}.new`]
      await promisify(execFile)('mmdebstrap', args)
      await rename(`${archive}.new`, archive)
    }
    await promisify(execFile)('podman', [...storage, 'import', '--quiet', archive, stores])
  }
  await writeFile(join(folder, 'start-postgres'), startPostgres, { mode: 0o755 })
  const files: Record<string, string> = {
    'postgres:17': `COPY start-postgres /usr/local/bin/
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["start-postgres"]`,
    'redis:7': 'CMD ["redis-server"]',
    'caddy:2': `ENV XDG_DATA_HOME=/data
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]`,
  }
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, 'Dockerfile')
    await writeFile(file, `FROM ${stores}\n${text}\n`)
    await buildah(
      'bud',
      '--layers',
      '--pull-never',
      '--quiet',
      '--tag',
      `docker.io/library/${name}`,
      '--file',
      file,
      folder,
    )
  }
}

/** A network of its own, where the ports of compose.yaml are free. @returns how commands are run in it */
async function openNetwork(t: TestContext): Promise<string[]> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec sleep infinity'])
  closeAfter(t, () => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  return ['nsenter', `--net=/proc/${holder.pid}/ns/net`]
}

test('compose.yaml migrates, serves with TLS, and stops', async (t: TestContext) => {
  const folder = await temporaryFolder(t)
  await makeStores(folder)
  const settings = join(folder, 'containers.conf')
  await writeFile(settings, engine)
  const socket = `unix://${join(folder, 'podman.sock')}`
  const env = { ...process.env, CONTAINERS_CONF: settings, DOCKER_HOST: socket, STOCKROOM_DOMAIN: 'localhost' }
  const [enter = '', ...inside] = await openNetwork(t)
  const project = join(folder, 'stockroom')
  const runIn = async (command: string, ...args: string[]) =>
    (await promisify(execFile)(enter, [...inside, command, ...args], { cwd: project, env })).stdout
  const networks = ['--network-config-dir', join(folder, 'networks')]
  const podman = (...args: string[]) => runIn('podman', ...storage, ...networks, ...args)

  await mkdir(join(project, 'deploy'), { recursive: true })
  for (const file of ['compose.yaml', 'deploy/Caddyfile']) await copyFile(join(root, file), join(project, file))
  const head = (await readCommands()).filter((line) => !line.startsWith('STOCKROOM_DOMAIN'))
  await runIn('sh', '-euc', head.join('\n'))
  await podman('tag', image, 'localhost/stockroom:latest')
  const service = spawn(
    enter,
    [...inside, 'podman', ...storage, ...networks, 'system', 'service', '--time', '0', socket],
    { env, stdio: 'ignore' },
  )
  closeAfter(t, () => service.kill('SIGKILL'))
  await until(() => existsSync(join(folder, 'podman.sock')))

  const over = new AbortController()
  const health = keepChecking(() => podman('healthcheck', 'run', 'stockroom_db_1'), over.signal)
  await runIn('docker-compose', 'up', '--detach', '--no-build')
  over.abort()
  await health
  const authority = () => podman('exec', 'stockroom_caddy_1', 'cat', '/data/caddy/pki/authorities/local/root.crt')
  await writeFile(join(folder, 'root.crt'), await eventually(() => authority().catch(() => ''), Boolean))
  const curl = (path: string, ...args: string[]) =>
    runIn('curl', '--silent', '--cacert', join(folder, 'root.crt'), ...args, `https://localhost${path}`)
  await until(async () => (await curl('/readyz').catch(() => '')) === 'ready', longestStartMs)
  const ada = JSON.stringify({ name: 'Ada Lovelace', email: 'ada@example.com', password })
  const claims = ['--header', 'x-forwarded-for: 203.0.113.9', '--header', 'content-type: application/json']
  t.assert.match(await curl('/store-managers', ...claims, '--data', ada), /"email":"ada@example\.com"/)
  const log = (await Promise.all([1, 2].map((index) => podman('logs', `stockroom_stockroom-${index}_1`)))).join('')
  const [, address] = /"event":"account_registered".*"address":"([^"]+)"/.exec(log) ?? []
  const ofCaddy = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  const caddy = (await podman('inspect', '--format', ofCaddy, 'stockroom_caddy_1')).trim()
  t.assert.ok(address !== undefined && ![caddy, '203.0.113.9'].includes(address), `${address} ${caddy}`)
  await writeFile(join(project, 'password.txt'), `${password}\n`)
  const paste = (commands: string) => runIn('bash', '-euc', commands.replaceAll('docker compose', 'docker-compose'))
  t.assert.match(await paste(createManager), /Registered grace@example\.com/)
  t.assert.match(await paste(backUp), /Revoked all tokens and reset codes of 2 managers/)
  await runIn('docker-compose', 'stop', '--timeout', '60')
  const codes = await podman('ps', '--all', '--format', '{{.Names}} {{.ExitCode}}')
  for (const name of ['migrate', 'stockroom-1', 'stockroom-2'])
    t.assert.match(codes, new RegExp(`^stockroom_${name}_1 0$`, 'm'))
  await runIn('docker-compose', 'down', '--volumes')
})

/** The commands in the first lines of compose.yaml. */
async function readCommands(): Promise<string[]> {
  const text = await readFile(join(root, 'compose.yaml'), 'utf8')
  return [...text.matchAll(/^# {3}(.*)$/gm)].map(([, command = '']) => command)
}

/** systemd would do it. */
async function keepChecking(check: () => Promise<unknown>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await check().catch(() => {})
    await sleep(1_000)
  }
}
