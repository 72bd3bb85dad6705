import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { createClient } from '@redis/client'

/** A port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Whether this machine has a redis-server to start. */
export function hasRedisServer(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface PrivateRedis {
  port: number
  pid: number
  stop(): Promise<void>
}

/** Starts a Redis of our own, which keeps nothing on disk, with `settings` as redis-server takes them. */
export async function startRedis(port?: number, settings: string[] = []): Promise<PrivateRedis> {
  const listen = port ?? (await freePort())
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-redis-'))
  const args = ['--port', String(listen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const server = spawn('redis-server', [...args, ...settings], { stdio: 'ignore' })
  const ended = once(server, 'exit')
  await waitForListening(listen)
  return {
    port: listen,
    pid: server.pid ?? 0,
    async stop() {
      server.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Sends one command to a Redis on this machine. @returns its reply @throws Error if Redis ends the connection, as it does at a failover */
export function redisCli(port: number, ...command: string[]): Promise<unknown> {
  return redisCliWith({ port }, ...command)
}

/** As `redisCli`, with the password of a Redis that requires one. */
export async function redisCliWith(
  { port, password }: { port: number; password?: string },
  ...command: string[]
): Promise<unknown> {
  const client = createClient({
    ...(password !== undefined && { password }),
    socket: { host: '127.0.0.1', port, reconnectStrategy: false },
  })
  // Without a listener, the end of a connection would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand(command)
  } finally {
    if (client.isOpen) client.destroy()
  }
}

/** Writes three times as much as a Redis of three megabytes keeps. */
export async function fillRedis(port: number): Promise<void> {
  const client = await createClient({ socket: { host: '127.0.0.1', port } }).connect()
  for (let key = 0; key < 100; key++) await client.set(`filling ${key}`, Buffer.alloc(100_000))
  client.destroy()
}

export interface Proxy {
  port: number
  /** Where new connections lead to: a port, or the path of a Unix socket; undefined refuses them. */
  target: number | string | undefined
  /** Passes on no more of what its present connections say. */
  stall(): void
  /** Breaks its present connections. */
  cut(): void
  close(): void
}

/** A proxy on a port of its own before a store. @param hear gets what the clients send */
export async function openProxy(target: number | string, hear = (_said: string) => {}): Promise<Proxy> {
  const sockets: Socket[] = []
  const server = createServer((client) => {
    if (proxy.target === undefined) {
      client.resetAndDestroy()
      return
    }
    const upstream = typeof proxy.target === 'string' ? connect(proxy.target) : connect(proxy.target, '127.0.0.1')
    sockets.push(client, upstream)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => {})
      socket.on('close', () => other.destroy())
    }
    client.on('data', (said) => hear(said.toString('latin1')))
    client.pipe(upstream).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    target,
    stall() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    cut,
    close() {
      cut()
      server.close()
    },
  }
  return proxy
}

async function waitForListening(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.ping()
      client.destroy()
      return
    } catch (error) {
      if (attempt > 100) throw error
      await sleep(30)
    }
  }
}
