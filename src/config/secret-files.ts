import { isUtf8 } from 'node:buffer'
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
  const secret = decode(readBytes(path)).replace(/[\r\n]+$/, '')
  if (secret === '') throw new Error('names an empty file')
  return secret
}

/** Replacing what is not UTF-8 would make a random key guessable. A byte order mark, as editors on Windows write it, is left out. */
function decode(bytes: Buffer): string {
  const text = isUtf8(bytes) ? new TextDecoder().decode(bytes) : '\0'
  if (text.includes('\0')) throw new Error('names a file that is not UTF-8 text')
  return text
}

/** @throws Error whose message completes "NAME …" */
export function readText(path: string): string {
  return readBytes(path).toString()
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new Error(`names a file that cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}
