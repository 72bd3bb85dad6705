import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, glob, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { constants, setPriority, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')
/** Has a folder for each state of the sources. */
export const bundles = join(root, 'node_modules/.cache/console')

const timeout = 120_000
const obsoleteAfterMs = 60 * 60_000

/** The program is not installed, so the console cannot be built. */
export class ViteMissing extends Error {
  override name = 'ViteMissing'
}

/** Runs `use` with the folder of the bundle, which is built if its sources have changed. Processes may do so at the same time. */
export async function withBundle<T>(signal: AbortSignal, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(bundles, await hashSources())
  if (await exists(folder)) return use(folder)
  const vite = findVite()
  const temporary = await makeFolder()
  try {
    await runVite(vite, temporary, signal)
    if (dirname(temporary) !== bundles) return await use(temporary)
    // Another user may start the service next.
    await chmod(temporary, 0o755)
    await rename(temporary, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
    await removeObsolete()
    return await use(folder)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Writes the bundle to `folder`, each file also compressed. */
export async function runVite(vite: string, folder: string, signal?: AbortSignal): Promise<void> {
  const parameters = [vite, 'build', '--config', join(root, 'console/vite.config.ts'), '--outDir', folder]
  // Vite would otherwise leave its compiled modules in the system's folder of temporary files.
  const env = { ...process.env, NODE_ENV: 'production', NODE_DISABLE_COMPILE_CACHE: '1' }
  const run = promisify(execFile)(process.execPath, parameters, { cwd: root, env, timeout, ...(signal && { signal }) })
  // The service responds to its first requests meanwhile.
  if (run.child.pid !== undefined) setPriority(run.child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  await run
}

/** @throws ViteMissing */
export function findVite(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js')
  } catch (error) {
    throw new ViteMissing('Vite is not installed', { cause: error })
  }
}

async function hashSources(): Promise<string> {
  const files = await Array.fromAsync(glob(['console/**/*.*', 'src/client/*', 'package-lock.json'], { cwd: root }))
  const hash = createHash('sha256')
  const contents = await Promise.all(
    files.toSorted().map(async (file) => [file, await readFile(join(root, file))] as const),
  )
  for (const [file, content] of contents) hash.update(`${file}\0${content.length}\0`).update(content)
  return hash.digest('hex').slice(0, 32)
}

/** In the cache if that is writable. Otherwise it is not kept: a folder that others can write could contain their scripts. */
async function makeFolder(): Promise<string> {
  try {
    await mkdir(bundles, { recursive: true })
    return await mkdtemp(join(bundles, 'build-'))
  } catch {
    return mkdtemp(join(tmpdir(), 'stockroom-console-'))
  }
}

async function removeObsolete(): Promise<void> {
  for (const name of await readdir(bundles)) {
    const path = join(bundles, name)
    const entry = await stat(path).catch(() => undefined)
    const isObsolete = entry !== undefined && Date.now() - entry.mtimeMs > obsoleteAfterMs
    if (isObsolete) await rm(path, { recursive: true, force: true })
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
