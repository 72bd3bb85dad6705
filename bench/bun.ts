import { existsSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

import { run } from './commands.ts'

// Bun and Elysia, 110 MB, are installed into a cache when a case first needs them, so that `npm ci` stays small.

const packages = ['bun@1.4.5', 'elysia@1.4.30']
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'stockroom-bench', packages.join('+'))
const architecture = process.arch === 'arm64' ? 'aarch64' : process.arch
const program = join(cache, `node_modules/@oven/bun-${process.platform}-${architecture}/bin/bun`)

/** @returns the command that runs `script` with Bun @throws Error if it cannot be installed */
export async function bunCommand(script: string, signal: AbortSignal): Promise<[program: string, script: string]> {
  await mkdir(cache, { recursive: true })
  if (!existsSync(program)) {
    // The platform's package has the program, so the script that would look for it need not run.
    const options = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund']
    await run('npm', ['install', '--prefix', cache, ...options, ...packages], signal)
  }
  // Modules are found from the place of the script.
  const copy = join(cache, 'elysia.js')
  await copyFile(script, copy)
  return [program, copy]
}
