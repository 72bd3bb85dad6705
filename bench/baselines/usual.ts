import { randomUUIDv7 } from 'node:crypto'

import { createClient } from '@redis/client'
import bcrypt from 'bcrypt'
import { fastify, LogController } from 'fastify'
import { jwtVerify, SignJWT } from 'jose'
import { Pool, types } from 'pg'

// What a competent team writes first: a framework with schemas, a pool, one query and one Redis call per request, a signature
// verified each time, everything in memory. It is correct, and not optimized for load.

const env = process.env as Record<string, string>
const text = (name: string) => env[name] ?? ''
const key = new TextEncoder().encode(env['JWT_SECRET'])

types.setTypeParser(types.builtins.NUMERIC, Number)
const pool = new Pool({
  host: text('POSTGRES_HOST'),
  port: Number(env['POSTGRES_PORT']),
  user: text('POSTGRES_USER'),
  database: text('POSTGRES_DB'),
  options: `-c search_path=${env['POSTGRES_SCHEMA']}`,
  max: 15,
})
const redis = createClient({ socket: { host: text('REDIS_HOST'), port: Number(env['REDIS_PORT']) } })
await redis.connect()

interface Fields {
  name: string
  category: string
  price_usd: number
  in_stock: boolean
}
type Item = Fields & { id: string; store_manager_id: string }

const fields = {
  name: { type: 'string', minLength: 1, maxLength: 64 },
  category: { type: 'string', maxLength: 32 },
  price_usd: { type: 'number', minimum: 0 },
  in_stock: { type: 'boolean' },
}
const update = { type: 'object', properties: fields, additionalProperties: false }
const create = { ...update, required: Object.keys(fields) }
const item = {
  type: 'object',
  properties: { id: { type: 'string' }, ...fields, store_manager_id: { type: 'string' } },
}
const params = { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } }
const columns = 'id, name, category, price_usd, in_stock, store_manager_id'

declare module 'fastify' {
  interface FastifyRequest {
    manager: string
  }
}

const app = fastify({
  logger: { level: env['LOG_LEVEL'] ?? 'info' },
  logController: new LogController({ disableRequestLogging: true }),
})
app.decorateRequest('manager', '')
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
  done(null, Object.fromEntries(new URLSearchParams(String(body)))),
)

app.post<{ Body: { username: string; password: string } }>('/store-managers/token', async ({ body }, reply) => {
  const { rows } = await pool.query('select id, password_hash from store_managers where lower(email) = lower($1)', [
    body.username,
  ])
  const right = rows[0] && (await bcrypt.compare(body.password, rows[0].password_hash))
  if (!right) return reply.code(401).send({ error: 'invalid_grant' })
  const token = new SignJWT().setProtectedHeader({ alg: 'HS256' }).setSubject(rows[0].id).setJti(crypto.randomUUID())
  return { access_token: await token.setExpirationTime('24h').sign(key), token_type: 'bearer' }
})

await app.register(async (items) => {
  items.addHook('onRequest', async (request, reply) => {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
    const verified = await jwtVerify(token, key, { algorithms: ['HS256'] }).catch(() => undefined)
    const { jti, sub } = verified?.payload ?? {}
    if (!jti || (await redis.exists(jti))) return reply.code(401).send({ error: 'invalid_token' })
    request.manager = sub ?? ''
    return undefined
  })

  items.get('/items', async () => {
    const { rows } = await pool.query<Item>(`select ${columns} from items order by id`)
    return Object.fromEntries(rows.map((row) => [row.id, row]))
  })

  items.get<{ Params: Item }>('/items/:id', { schema: { params, response: { 200: item } } }, async (request, reply) => {
    const { rows } = await pool.query<Item>(`select ${columns} from items where id = $1`, [request.params.id])
    return rows[0] ?? reply.code(404).send({ error: 'not_found' })
  })

  items.post<{ Body: Fields }>(
    '/items',
    { schema: { body: create, response: { 201: item } } },
    async (request, reply) => {
      const { name, category, price_usd, in_stock } = request.body
      const { rows } = await pool.query<Item>(
        `insert into items (${columns}) values ($1, $2, $3, $4, $5, $6) returning ${columns}`,
        [randomUUIDv7(), name, category, price_usd, in_stock, request.manager],
      )
      return reply.code(201).send(rows[0])
    },
  )

  items.patch<{ Params: Item; Body: Partial<Fields> }>(
    '/items/:id',
    { schema: { params, body: update, response: { 200: item } } },
    async (request, reply) => {
      const changes = Object.entries(request.body)
      const set = changes.map(([name], index) => `${name} = $${index + 3}`).join(', ')
      const { rows } = await pool.query<Item>(
        `update items set ${set} where id = $1 and store_manager_id = $2 returning ${columns}`,
        [request.params.id, request.manager, ...changes.map(([, value]) => value)],
      )
      return rows[0] ?? reply.code(404).send({ error: 'not_found' })
    },
  )

  items.delete<{ Params: Item }>('/items/:id', { schema: { params } }, async (request, reply) => {
    const { rowCount } = await pool.query('delete from items where id = $1 and store_manager_id = $2', [
      request.params.id,
      request.manager,
    ])
    return reply.code(rowCount ? 204 : 404).send()
  })
})

await app.listen({ host: text('HOST'), port: Number(env['PORT']) })
