import { createHmac, timingSafeEqual } from 'node:crypto'

import { createClient } from '@redis/client'
import { fastify } from 'fastify'
import { Pool, types } from 'pg'

// What a team writes that measures: schemas, prepared statements, signatures verified synchronously, and Redis commands of one turn
// of the event loop in one write. Each request still has its own command and its own statement.

const env = process.env as Record<string, string>
const text = (name: string) => env[name] ?? ''

types.setTypeParser(types.builtins.NUMERIC, Number)
const pool = new Pool({
  host: text('POSTGRES_HOST'),
  port: Number(env['POSTGRES_PORT']),
  user: text('POSTGRES_USER'),
  database: text('POSTGRES_DB'),
  options: `-c search_path=${env['POSTGRES_SCHEMA']}`,
  max: 10,
  idleTimeoutMillis: 0,
})
const redis = createClient({ socket: { host: text('REDIS_HOST'), port: Number(env['REDIS_PORT']) } })
await redis.connect()

interface Token {
  jti: string
  exp: number
}

function verify(header = ''): Token | undefined {
  const [head = '', claims = '', signature = ''] = header.slice('Bearer '.length).split('.')
  const expected = createHmac('sha256', text('JWT_SECRET')).update(`${head}.${claims}`).digest()
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  const token = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Token
  return token.exp > Date.now() / 1000 ? token : undefined
}

interface Item {
  id: string
}

const id = { type: 'string', format: 'uuid' }
const item = {
  type: 'object',
  properties: {
    id,
    name: { type: 'string' },
    category: { type: 'string' },
    price_usd: { type: 'number' },
    in_stock: { type: 'boolean' },
    store_manager_id: id,
  },
}
const schema = { params: { type: 'object', properties: { id } }, response: { 200: item } }
const read = {
  name: 'read',
  text: 'select id, name, category, price_usd, in_stock, store_manager_id from items where id = $1',
}

const app = fastify({ logger: false, keepAliveTimeout: 60_000 })

app.get<{ Params: Item }>('/items/:id', { schema }, async ({ headers, params }, reply) => {
  const token = verify(headers.authorization)
  if (token === undefined || (await redis.exists(token.jti))) return reply.code(401).send({ error: 'invalid_token' })
  const { rows } = await pool.query<Item>({ ...read, values: [params.id] })
  return rows[0] ?? reply.code(404).send({ error: 'not_found' })
})

await app.listen({ host: text('HOST'), port: Number(env['PORT']) })
