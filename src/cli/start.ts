import { spawnSync } from 'node:child_process'
import module from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

// As `npm start` gives them: see “Runtime” in docs/reference/internals.md.
const serving = ['--expose-gc', '--max-semi-space-size=8']
const migrations = { up: 'upgrade', down: 'downgrade', status: 'status' } as const

export type Direction = keyof typeof migrations

/** Starts the service in place of this process. */
export const start = () => become('main', [], serving)

/** Runs the program that migrates in place of this process. */
export const migrate = (direction: Direction) => become('cli/migrate', [migrations[direction]])

/** Runs the program that registers managers in place of this process. */
export function createManager(given: { name?: string; email?: string }): void {
  become(
    'cli/create-manager',
    Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]),
  )
}

/** Signals, the terminal and the exit code are then those of the program itself. */
function become(program: string, args: string[], flags: string[] = []): void {
  const file = fileURLToPath(new URL(`../${program}${extname(import.meta.url)}`, import.meta.url))
  const line = [...flags, file, ...args]
  const env = { ...process.env, NODE_COMPILE_CACHE: module.getCompileCacheDir() }
  if (process.execve) process.execve(process.execPath, [process.execPath, ...line], withoutUndefined(env))
  // Windows has nothing like it.
  process.exitCode = spawnSync(process.execPath, line, { env, stdio: 'inherit' }).status ?? 1
}

function withoutUndefined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined))
}
