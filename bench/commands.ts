import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'

export function exists(program: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** @returns the output @throws Error if the program fails, or when `signal` is aborted, which ends it */
export async function run(
  program: string,
  args: string[],
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { signal, env, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

/** The first line of output, whatever the exit code, or ''. */
export async function firstLine(program: string, args: string[]): Promise<string> {
  const output = await promisify(execFile)(program, args).catch((error: { stdout?: string }) => error)
  return (output.stdout ?? '').split('\n')[0]?.trim() ?? ''
}
