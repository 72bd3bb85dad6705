import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'

import type { Authority } from './certificates.ts'
import { closeAfter, type Cleanup } from './cleanup.ts'
import { temporaryFolder } from './service.ts'
import { freePort } from './stores.ts'
import { until } from './until.ts'

/** The rights that the service needs, as docs/reference/configuration.md states them. */
export const rights = '~* +@connection +mget +set +eval +evalsha +get +pttl +incrby +pexpire'

export const password = 'a password, with @ and / in it'.replaceAll(' ', '-')

export interface RedisProcess {
  port: number
  kill(): Promise<void>
}

/** A redis-server with this configuration, which ends with the test. `tls-port` makes it listen with TLS only. */
export async function openRedisWith(t: Cleanup, lines: string[], mode: string[] = []): Promise<RedisProcess> {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  const file = join(folder, 'redis.conf')
  const listening = lines.some((line) => line.startsWith('tls-cert-file')) ? `port 0\ntls-port ${port}` : `port ${port}`
  const usual = ['bind 127.0.0.1', `dir ${folder}`, ...(mode.length > 0 ? [] : ['save ""', 'appendonly no'])]
  await writeFile(file, [listening, ...usual, ...lines, ''].join('\n'))
  const child = spawn('redis-server', [file, ...mode], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  closeAfter(t, kill)
  await until(() => accepts(port))
  return { port, kill }
}

/** Listens with TLS only, and lets in only the ACL user `shop`, who has no more rights than necessary. */
export async function openSecuredRedis(t: Cleanup, authority: Authority): Promise<RedisProcess> {
  const folder = await temporaryFolder(t)
  const acl = join(folder, 'users.acl')
  await writeFile(acl, `user default off\nuser shop on >${password} ${rights}\n`)
  return openRedisWith(t, [...tlsOf(authority), `aclfile ${acl}`])
}

/** The configuration of a Redis or sentinel with a certificate for localhost. */
export function tlsOf(authority: Authority): string[] {
  const { cert, key } = authority.issue('localhost', 'DNS:localhost')
  return [`tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${authority.cert}`, 'tls-auth-clients no']
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
