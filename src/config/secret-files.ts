import { readFileSync } from 'node:fs'

import type { Environment } from './urls.ts'

/** Reads the secrets that NAME_FILE names, as the official container images do. Messages never contain a path. */
export function readSecretFiles(env: Environment, names: readonly string[]) {
  const problems: string[] = []
  const secrets = names.flatMap((name): [string, string][] => {
    const path = env[`${name}_FILE`]
    if (!path) return []
    if (env[name]) {
      problems.push(`${name} and ${name}_FILE are both set: unset one`)
      return []
    }
    try {
      return [[name, readSecret(path)]]
    } catch (error) {
      problems.push(`${name}_FILE ${(error as Error).message}`)
      return []
    }
  })
  const read: Environment = { ...env, ...Object.fromEntries(secrets) }
  return { env: read, problems }
}

function readSecret(path: string): string {
  const secret = readText(path).replace(/[\r\n]+$/, '')
  if (secret === '') throw new Error('names an empty file')
  return secret
}

/** @throws Error whose message completes "NAME …" */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`names a file that cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}
