import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { onServer } from '../support/app.ts'
import { password } from '../support/fixtures.ts'
import { sendRequest, openConnection, type RequestOptions } from '../support/http-client.ts'
import { type Attack, attackFault, type Target } from './arena.ts'
import type { Fault } from './fault.ts'

const get = (path: string, headers: Record<string, string> = {}) => {
  const lines = Object.entries({ Host: 'a', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

export const attacks: Attack[] = [
  {
    name: 'attack-pipelining',
    title: 'Clients that pipeline 1,500 requests and read nothing',
    clients: 50,
    attack: ({ port }, clients, over) =>
      together(clients, over, () => hold(port, get('/openapi.json').repeat(1_500), over)),
  },
  {
    name: 'attack-unread-responses',
    title: 'Clients that request the script of the documentation page and do not read it',
    clients: 100,
    settings: { LIMIT_CONCURRENCY: '50' },
    async attack({ url, port }, clients, over) {
      // The first request reads it from disk.
      await (await fetch(`${url}/scalar/scalar.js`)).bytes()
      await together(clients, over, () => hold(port, get('/scalar/scalar.js'), over))
    },
  },
  {
    name: 'attack-dead-tokens',
    title: 'Searches with the token of a deleted manager, next to those of others',
    clients: 40,
    items: 200_000,
    question: ({ url, victim }) => ({ url: `${url}/items?q=item%20777&limit=5`, headers: victim }),
    async prepare({ server, attacker }) {
      await onServer(server, 'delete from items where store_manager_id = $1', [attacker.id])
      await onServer(server, 'delete from store_managers where id = $1', [attacker.id])
      await onServer(server, 'vacuum analyze items')
    },
    async attack({ url, attacker: { authorization } }, clients, over) {
      await repeat(clients, over, { url: `${url}/items?q=xy&count=exact`, headers: { authorization } })
    },
  },
  {
    name: 'attack-costly-pages',
    title: 'Pages with a filter and an order that no index serves',
    clients: 60,
    items: 400_000,
    attack: ({ url, attacker: { id, authorization } }, clients, over) =>
      repeat(clients, over, {
        url: `${url}/items?store_manager_id=${id}&category=Pet&category=Apparel&min_price=499&sort=name`,
        headers: { authorization },
      }),
  },
  {
    name: 'attack-logins',
    title: 'Successful logins of one account, next to those of another',
    clients: 80,
    settings: { TRUST_PROXY: '1' },
    question: ({ url }) => logInAs(url, 'ada@example.com', '192.0.2.7'),
    attack: ({ url, attacker }, clients, over) => repeat(clients, over, logInAs(url, attacker.email, '203.0.113.9')),
  },
  {
    name: 'attack-locked-items',
    title: 'Updates of items that another transaction has locked',
    clients: 300,
    items: 1_000,
    question: ({ url, victim }) => ({ url: `${url}/store-managers/me`, headers: victim }),
    attack: ({ url, server, attacker }, clients, over) => {
      const held = onServer(server, `begin; lock table items in exclusive mode; select pg_sleep(6); rollback`)
      const { authorization } = attacker
      const item = `${url}/items/019a6f2b-7c1e-7b3a-8000-000000000001`
      return Promise.all([
        held,
        repeat(clients, over, { method: 'PATCH', url: item, headers: { authorization }, body: { price_usd: 1 } }),
      ])
    },
  },
  {
    name: 'attack-resets',
    title: 'Clients that search, and reset their connections immediately',
    clients: 40,
    items: 200_000,
    attack: ({ port, attacker: { authorization } }, clients, over) =>
      together(clients, over, async () => {
        const client = open(port)
        client.write(get('/items?q=xy', { authorization }))
        await sleep(1)
        client.resetAndDestroy()
      }),
  },
  {
    name: 'attack-slow-imports',
    title: 'Imports that send a row every few seconds',
    clients: 8,
    async attack({ port, attacker: { authorization } }, clients, over) {
      const head = `POST /items/import HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nContent-Type: text/csv\r\nContent-Length: 1000000\r\n\r\n`
      await together(clients, over, async () => {
        const client = open(port)
        client.write(`${head}name,category,price_usd,in_stock\r\n`)
        while (!over.aborted && !client.destroyed) {
          client.write('Tea,Grocery,1,true\r\n')
          await sleep(100)
        }
        client.destroy()
      })
    },
    async inspect({ server }) {
      const { rows } = await onServer(server, longTransactions)
      return rows.map(({ seconds }) => `a transaction was open for ${seconds} s`)
    },
  },
]

const longTransactions = `
  select extract(epoch from now() - xact_start)::int as seconds from pg_stat_activity
  where application_name like 'stockroom%' and xact_start < now() - interval '2 seconds'`

export const attackFaults: Fault[] = attacks.map(attackFault)

function logInAs(url: string, username: string, address: string): RequestOptions {
  return {
    method: 'POST',
    url: `${url}/store-managers/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': address },
    text: new URLSearchParams({ username, password }).toString(),
  }
}

/** Runs `work` in a loop on each of `clients` clients until `over` is aborted. Failures of a client are ignored. */
async function together(clients: number, over: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  const one = async () => {
    while (!over.aborted) {
      await work().catch(() => {})
      await sleep(1)
    }
  }
  await Promise.all(Array.from({ length: clients }, one))
}

function repeat(clients: number, over: AbortSignal, question: RequestOptions): Promise<void> {
  const agents = Array.from({ length: clients }, openConnection)
  let turn = 0
  return together(clients, over, () => sendRequest({ ...question, agent: agents[turn++ % clients] })).finally(() =>
    agents.forEach((agent) => agent.destroy()),
  )
}

/** Sends `sent`, and keeps the connection open without reading until the server closes it or `over` is aborted. */
async function hold(port: number, sent: string, over: AbortSignal): Promise<void> {
  const client = open(port)
  client.pause().write(sent)
  while (!over.aborted && !client.destroyed) await sleep(20)
  client.destroy()
  if (!over.aborted) await sleep(1_000)
}

function open(port: Target['port']): Socket {
  return connect({ host: '127.0.0.1', port }).on('error', () => {})
}
