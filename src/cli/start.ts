import { spawnSync } from 'node:child_process'
import module from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The options of `npm start`; docs/reference/internals.md explains them. */
const nodeOptions = ['--expose-gc', '--max-semi-space-size=8']

/** Starts the service in place of this process: V8 takes some options only when it starts. */
export function start(): void {
  const line = [...nodeOptions, fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url))]
  const env = { ...process.env, NODE_COMPILE_CACHE: module.getCompileCacheDir() }
  if (process.execve) process.execve(process.execPath, [process.execPath, ...line], withoutUndefined(env))
  process.exitCode = spawnSync(process.execPath, line, { env, stdio: 'inherit' }).status ?? 1
}

function withoutUndefined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined))
}
