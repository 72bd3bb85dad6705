import { spawnSync } from 'node:child_process'
import module from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

// The options of `npm start`; docs/reference/internals.md explains them.
const serving = ['--expose-gc', '--max-semi-space-size=8']
const migrations = { up: 'upgrade', down: 'downgrade', status: 'status' } as const

export type Direction = keyof typeof migrations

export const start = () => become('main', [], serving)

export const migrate = (direction: Direction) => become('cli/migrate', [migrations[direction]])

export function createManager(given: { name?: string; email?: string }): void {
  become(
    'cli/create-manager',
    Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]),
  )
}

/** Signals, the terminal, and the exit code are then those of the program itself. */
function become(program: string, args: string[], flags: string[] = []): void {
  const file = fileURLToPath(new URL(`../${program}${extname(import.meta.url)}`, import.meta.url))
  const line = [...flags, file, ...args]
  const env = { ...process.env, NODE_COMPILE_CACHE: module.getCompileCacheDir() }
  if (process.execve) process.execve(process.execPath, [process.execPath, ...line], withoutUndefined(env))
  // Windows has no execve.
  process.exitCode = spawnSync(process.execPath, line, { env, stdio: 'inherit' }).status ?? 1
}

function withoutUndefined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined))
}
