import { createHmac, randomUUIDv7, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

import { createClient } from '@redis/client'
import { Client } from 'pg'

// The upper bound on this runtime: reads and creates an item with the indispensable steps only. No framework, schema, or query
// builder; an error is a bare status.

const env = process.env as Record<string, string>
const text = (name: string) => env[name] ?? ''

interface Row {
  id: string
  name: string
  category: string
  price_usd: string
  in_stock: boolean
  store_manager_id: string
}
interface Token {
  sub: string
  jti: string
  exp: number
}

const columns = 'id, name, category, price_usd, in_stock, store_manager_id'
const managers = { name: 'managers', text: 'select id from store_managers where id = any($1)' }
const read = { name: 'read', text: `select ${columns} from items where id = any($1)` }
const insert = {
  name: 'insert',
  text: `insert into items (${columns})
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::numeric[], $5::boolean[], $6::uuid[])`,
}

/** Batches the keys of one event-loop turn, and of the time while every slot is busy, into one call of `run`. */
function batch<K, V>(slots: number, run: (keys: K[], slot: number) => Promise<(V | undefined)[]>) {
  let waiting: { key: K; resolve: (value: V | undefined) => void; reject: (error: unknown) => void }[] = []
  const idle = Array.from({ length: slots }, (_, slot) => slot)
  const flush = (): void => {
    const slot = waiting.length > 0 ? idle.pop() : undefined
    if (slot === undefined) return
    const current = waiting
    waiting = []
    run(
      current.map(({ key }) => key),
      slot,
    )
      .then((values) => current.forEach(({ resolve }, index) => resolve(values[index])))
      .catch((error: unknown) => current.forEach(({ reject }) => reject(error)))
      .finally(() => {
        idle.push(slot)
        flush()
      })
      .catch(() => {})
  }
  return (key: K): Promise<V | undefined> => {
    const { promise, resolve, reject } = Promise.withResolvers<V | undefined>()
    if (waiting.push({ key, resolve, reject }) === 1) setImmediate(flush)
    return promise
  }
}

const clients = await Promise.all(
  Array.from({ length: 5 }, async () => {
    const client = new Client({
      host: text('POSTGRES_HOST'),
      port: Number(env['POSTGRES_PORT']),
      user: text('POSTGRES_USER'),
      database: text('POSTGRES_DB'),
      options: `-c search_path=${env['POSTGRES_SCHEMA']}`,
    })
    await client.connect()
    return client
  }),
)
const query = async (slot: number, statement: typeof read, values: unknown[]): Promise<Row[]> =>
  (await clients[slot]?.query<Row>({ ...statement, values }))?.rows ?? []

const redis = createClient({ socket: { host: text('REDIS_HOST'), port: Number(env['REDIS_PORT']) } })
redis.on('error', () => {})
await redis.connect()

const revocation = batch<string, string | null>(1, (ids) => redis.mGet(ids))

const managerExists = batch<string, boolean>(1, async (ids) => {
  const found = new Set((await query(4, managers, [[...new Set(ids)]])).map(({ id }) => id))
  return ids.map((id) => found.has(id))
})

/** Whether the token is not revoked and its manager exists. */
async function counts({ jti, sub }: Token): Promise<boolean> {
  const [revoked, exists] = await Promise.all([revocation(jti), managerExists(sub)])
  return !revoked && exists === true
}

const readItem = batch<string, Row>(4, async (ids, slot) => {
  const found = new Map((await query(slot, read, [ids])).map((row) => [row.id, row]))
  return ids.map((id) => found.get(id))
})

const createItem = batch<Row, true>(4, async (rows, slot) => {
  const column = (name: keyof Row) => rows.map((row) => row[name])
  const values = [column('id'), column('name'), column('category'), column('price_usd'), column('in_stock')]
  await query(slot, insert, [...values, column('store_manager_id')])
  return rows.map(() => true)
})

/** Tokens with a valid signature; at the limit, the oldest is evicted. */
const verified = new Map<string, Token>()

function verify(header = ''): Token | undefined {
  const token = header.slice('Bearer '.length)
  let known = verified.get(token)
  if (!known) {
    const [head = '', claims = '', signature = ''] = token.split('.')
    const expected = createHmac('sha256', text('JWT_SECRET')).update(`${head}.${claims}`).digest()
    const given = Buffer.from(signature, 'base64url')
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    known = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Token
    if (verified.size >= 10_000) verified.delete(verified.keys().next().value ?? '')
    verified.set(token, known)
  }
  return known.exp > Date.now() / 1000 ? known : undefined
}

const json = (row: Row) =>
  `{"id":"${row.id}","name":${JSON.stringify(row.name)},"category":"${row.category}","price_usd":${row.price_usd},` +
  `"in_stock":${row.in_stock},"store_manager_id":"${row.store_manager_id}"}`

function answer(response: ServerResponse, status: number, body = ''): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

async function get(request: IncomingMessage, response: ServerResponse, token: Token): Promise<void> {
  const id = request.url?.slice('/items/'.length) ?? ''
  const [admitted, row] = await Promise.all([counts(token), readItem(id)])
  if (!admitted) return answer(response, 401)
  return row ? answer(response, 200, json(row)) : answer(response, 404)
}

async function post(request: IncomingMessage, response: ServerResponse, token: Token): Promise<void> {
  const chunks: Buffer[] = []
  const sent = new Promise((resolve) => request.on('end', resolve))
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [admitted] = await Promise.all([counts(token), sent])
  if (!admitted) return answer(response, 401)
  const { name, category, price_usd, in_stock } = JSON.parse(Buffer.concat(chunks).toString()) as Row
  const fits = typeof name === 'string' && typeof category === 'string' && Number(price_usd) >= 0
  if (!fits || typeof in_stock !== 'boolean') return answer(response, 422)
  const row = { id: randomUUIDv7(), name, category, price_usd, in_stock, store_manager_id: token.sub }
  await createItem(row)
  return answer(response, 201, json(row))
}

createServer((request, response) => {
  const token = verify(request.headers.authorization)
  if (!token) return answer(response, 401)
  const work = request.method === 'POST' ? post : get
  work(request, response, token).catch(() => answer(response, 503))
}).listen(Number(env['PORT']), env['HOST'])
