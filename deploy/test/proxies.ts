import { execFileSync, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'

import { closeAfter, type Cleanup } from '../../test/support/cleanup.ts'
import { temporaryFolder } from '../../test/support/service.ts'
import { freePort } from '../../test/support/stores.ts'
import { until } from '../../test/support/until.ts'

export interface Edge {
  url: string
  /** The certificate that clients have to trust. */
  ca: Buffer
  caFile: string
}

export interface Proxy {
  name: string
  file: string
  /** What of the file is different on this machine, and what it is there. */
  adapt: (place: Place) => [standard: string, here: string][]
  /** The line of the file that removes /shop from paths. */
  underPath: string
  run: (file: string, folder: string) => string[]
}

interface Place {
  folder: string
  port: number
  httpPort: number
  /** Of the replicas. */
  ports: [number, number]
}

const replicas = ({ ports }: Place, separator = ' '): [string, string][] =>
  ports.map((port, index) => [`${separator}stockroom-${index + 1}:8000`, `${separator}127.0.0.1:${port}`])

export const proxies: Proxy[] = [
  {
    name: 'HAProxy',
    file: 'haproxy.cfg',
    adapt: (place) => [
      ...replicas(place),
      ['bind :443', `bind 127.0.0.1:${place.port}`],
      ['/etc/stockroom/tls/stockroom.pem', join(place.folder, 'stockroom.pem')],
    ],
    underPath: '# http-request replace-path ',
    run: (file) => ['haproxy', '-db', '-f', file],
  },
  {
    name: 'nginx',
    file: 'nginx.conf',
    adapt: (place) => [
      ...replicas(place),
      ['listen 443', `listen 127.0.0.1:${place.port}`],
      ['/etc/stockroom/tls/fullchain.pem', join(place.folder, 'certificate.pem')],
      ['/etc/stockroom/tls/privkey.pem', join(place.folder, 'key.pem')],
      ['http {', `http {\n  access_log off;\n  client_body_temp_path ${place.folder}/bodies;`],
    ],
    underPath: '# rewrite ',
    run: (file, folder) => {
      const here = `daemon off; user root; pid ${folder}/nginx.pid; error_log ${folder}/error.log;`
      return ['nginx', '-p', folder, '-c', file, '-g', here]
    },
  },
  {
    name: 'Caddy',
    file: 'Caddyfile',
    adapt: (place) => [
      ...replicas(place),
      ['{$STOCKROOM_DOMAIN:stockroom.example} {', `https://localhost:${place.port} {\n\ttls ${tls(place.folder)}`],
      ['admin off', `admin off\n\thttp_port ${place.httpPort}`],
    ],
    underPath: '# uri strip_prefix ',
    run: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
  },
]

function tls(folder: string): string {
  return `${join(folder, 'certificate.pem')} ${join(folder, 'key.pem')}`
}

/**
 * Starts a proxy with its file in deploy/, of which only names of hosts, ports, and files are changed.
 * @param isUnderPath uses what its file says for ROOT_PATH=/shop
 */
export async function startProxy(
  t: Cleanup,
  proxy: Proxy,
  ports: [number, number],
  isUnderPath = false,
): Promise<Edge> {
  const folder = await temporaryFolder(t)
  const ca = await makeCertificate(folder)
  const place = { folder, port: await freePort(), httpPort: await freePort(), ports }
  let text = await readFile(join(import.meta.dirname, '..', proxy.file), 'utf8')
  const changes = proxy.adapt(place)
  if (isUnderPath) changes.push([proxy.underPath, proxy.underPath.slice('# '.length)])
  for (const [standard, here] of changes) {
    if (!text.includes(standard)) throw new Error(`${proxy.file} does not contain ${standard}`)
    text = text.replace(standard, () => here)
  }
  const file = join(folder, proxy.file)
  await writeFile(file, text)
  const [command = '', ...args] = proxy.run(file, folder)
  const child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, XDG_DATA_HOME: folder } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  closeAfter(t, async () => {
    // nginx would leave its workers behind after SIGKILL; Caddy waits for connections after SIGTERM.
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 2_000)
    await ended
    clearTimeout(late)
  })
  const edge = { url: `https://localhost:${place.port}`, ca, caFile: join(folder, 'certificate.pem') }
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${proxy.name} ended:\n${output}`)
    return (await statusOf(edge, '/readyz').catch(() => 0)) === 200
  })
  return edge
}

function statusOf({ url, ca }: Edge, path: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  request(`${url}${path}`, { ca, agent: false }, (response) => {
    response.resume()
    resolve(response.statusCode ?? 0)
  })
    .on('error', reject)
    .end()
  return promise
}

async function makeCertificate(folder: string): Promise<Buffer> {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem']
  const args = ['req', '-x509', ...key, ...subject, '-days', '2', '-out', 'certificate.pem']
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const certificate = await readFile(join(folder, 'certificate.pem'))
  await writeFile(join(folder, 'stockroom.pem'), Buffer.concat([certificate, await readFile(join(folder, 'key.pem'))]))
  return certificate
}
