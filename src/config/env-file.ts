import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

import { ConfigError } from './config.ts'

/** Loads `.env` from the working directory. Variables that are already set take precedence. */
export function loadEnvironment(): void {
  const text = readEnvFile()
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value
}

function readEnvFile(): string {
  let bytes: Buffer
  try {
    bytes = readFileSync('.env')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return ''
    throw new ConfigError(`.env cannot be read (${message}). Make it a file that this user may read.`)
  }
  const text = decode(bytes)
  const line = firstBadLine(text)
  if (line !== undefined)
    throw new ConfigError(`.env: line ${line} is not NAME=value. Correct it, or comment it out with #.`)
  return text
}

function decode(bytes: Buffer): string {
  if (bytes.includes(0) || /^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2))) {
    throw new ConfigError('.env is UTF-16 or binary. Save it as UTF-8.')
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll(/\r\n?/g, '\n')
  } catch {
    throw new ConfigError('.env is not UTF-8. Save it as UTF-8.')
  }
}

function firstBadLine(text: string): number | undefined {
  const joined = text.replaceAll(/(?<==[ \t]*)(["'`])[^]*?\1/g, (value) =>
    value.replaceAll(/[^\n]/g, 'x').replaceAll('\n', '\n#'),
  )
  const index = joined
    .split('\n')
    .findIndex((line) => !/^[ \t]*(#.*|(export[ \t]+)?[A-Za-z_][\w.]*[ \t]*=.*)?$/.test(line))
  return index === -1 ? undefined : index + 1
}
