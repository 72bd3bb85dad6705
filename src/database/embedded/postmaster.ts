import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { StartupError } from '../../startup-error.ts'
import { ignore, parsePid, processExists, readText, remove, send, waitUntil } from './system.ts'

export interface Postmaster {
  pid: number
  status: string | undefined
  connection: { host: string; port: number }
}

export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const text = await readText(join(cluster, 'postmaster.pid'))
  const [, , , port, host = '', , , status] = text.split('\n')
  const pid = parsePid(text)
  if (pid === 0 || !(await serves(pid, cluster))) return undefined
  return {
    pid,
    status: status?.trim(),
    connection: { host, port: Number(port) },
  }
}

export async function serves(pid: number, cluster: string): Promise<boolean> {
  if (!processExists(pid)) return false
  try {
    return (await fs.readlink(`/proc/${pid}/cwd`)) === (await fs.realpath(cluster))
  } catch {
    // Not Linux, or the process of another user: root in a container may not inspect those.
    return (await commandLine(pid)).includes(cluster)
  }
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', `${pid}`]).then(
    ({ stdout }) => stdout,
    () => '',
  )
}

// Removes a lock file that would block PostgreSQL forever: an empty one, or one whose process ID now belongs to another
// program. PostgreSQL itself handles those of dead processes better, by the shared memory of their children.
export async function discardStale(file: string, cluster: string): Promise<void> {
  const text = await readText(file)
  const pid = parsePid(text)
  if (pid === 0) {
    const age = Date.now() - ((await fs.lstat(file).catch(ignore('ENOENT')))?.mtimeMs ?? Date.now())
    if (age < 1_000) return
  } else if (!processExists(pid) || (await serves(pid, cluster))) return
  const aside = `${file}.stale-${randomUUID()}`
  await fs.rename(file, aside).catch(ignore('ENOENT'))
  // If a server has started since, it gets its file back.
  if ((await readText(aside)) !== text) await fs.link(aside, file).catch(ignore('ENOENT', 'EEXIST'))
  await remove(aside)
}

/** Stops the server. A slow shutdown is aborted, which is safe because of the write-ahead log. @throws StartupError */
export async function shutDown(pid: number, cluster: string): Promise<void> {
  const isOver = async () => !(await serves(pid, cluster))
  for (const [signal, timeoutMs] of [
    ['SIGINT', 20_000],
    ['SIGQUIT', 10_000],
  ] as const) {
    if (!(await isOver())) send(pid, signal)
    if (!(await waitUntil(isOver, timeoutMs))) continue
    // A zombie stays until its parent reaps it, which the one of a container may never do.
    await waitUntil(() => !processExists(pid), 200)
    return
  }
  throw new StartupError(`PostgreSQL (process ${pid}) did not stop. Stop it with: kill ${pid}`)
}
