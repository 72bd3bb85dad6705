// @ts-nocheck -- Its packages are not dependencies of this repository: see bun.ts.
import { createHmac, randomUUIDv7, timingSafeEqual } from 'node:crypto'

import { RedisClient, SQL } from 'bun'
import { Elysia, status, t } from 'elysia'

// Elysia on Bun, which batches reads, checks, and inserts of one turn of the event loop as the service does. It has the same tables,
// tokens, and revoked tokens, and neither validates tokens against managers nor records changes.

const { env } = process
const sql = new SQL({
  hostname: env.POSTGRES_HOST,
  port: Number(env.POSTGRES_PORT),
  username: env.POSTGRES_USER,
  database: env.POSTGRES_DB,
  connection: { search_path: env.POSTGRES_SCHEMA },
  max: 10,
  idleTimeout: 0,
})
const redis = new RedisClient(`redis://${env.REDIS_HOST}:${env.REDIS_PORT}/0`)
const columns = sql`id, name, category, price_usd, in_stock, store_manager_id`

const verified = new Map()

function verify(authorization = '') {
  const known = verified.get(authorization)
  if (known && known.exp * 1000 > Date.now()) return known
  const [, head, body, signature] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization) ?? []
  const expected = createHmac('sha256', env.JWT_SECRET).update(`${head}.${body}`).digest()
  const given = Buffer.from(signature ?? '', 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw status(401, { error: 'invalid' })
  const token = JSON.parse(Buffer.from(body, 'base64url').toString())
  if (token.exp * 1000 <= Date.now()) throw status(401, { error: 'expired' })
  if (verified.size > 10_000) verified.clear()
  verified.set(authorization, token)
  return token
}

function batch(run) {
  let next
  return async (argument) => {
    if (!next) {
      const all = []
      const turn = new Promise((resolve) => setImmediate(resolve))
      next = { all, done: turn.then(() => ((next = undefined), run(all))) }
    }
    const { all, done } = next
    all.push(argument)
    return (await done)(argument)
  }
}

const itemOf = (row) => Object.assign(row, { price_usd: Number(row.price_usd) })

const isRevoked = batch(async (all) => {
  const ids = [...new Set(all)]
  const values = await redis.mget(...ids)
  const revoked = new Set(ids.filter((_, index) => values[index] !== null))
  return (id) => revoked.has(id)
})

const read = batch(async (ids) => {
  const rows = await sql`select ${columns} from items where id = any(${sql.array(ids, 'TEXT')}::uuid[])`
  const found = new Map(rows.map((row) => [row.id, itemOf(row)]))
  return (id) => found.get(id)
})

const insert = batch(async (rows) => {
  await sql`insert into items ${sql(rows, 'id', 'name', 'category', 'price_usd', 'in_stock', 'store_manager_id')}`
  return () => undefined
})

async function authenticate({ authorization }) {
  const token = verify(authorization)
  if (await isRevoked(token.jti)) throw status(401, { error: 'revoked' })
  return token
}

const params = t.Object({ id: t.String({ format: 'uuid' }) })
const body = t.Object({
  name: t.String({ minLength: 1, maxLength: 64 }),
  category: t.String({ maxLength: 32 }),
  price_usd: t.Number({ minimum: 0 }),
  in_stock: t.Boolean(),
})

new Elysia()
  .get(
    '/items/:id',
    async ({ headers, params: { id } }) => {
      const { jti } = verify(headers.authorization)
      const [revoked, found] = await Promise.all([isRevoked(jti), read(id)])
      if (revoked) return status(401, { error: 'revoked' })
      return found ?? status(404, { error: 'not_found' })
    },
    { params },
  )
  .get('/items', async ({ headers, query: { category, limit } }) => {
    await authenticate(headers)
    const rows =
      await sql`select ${columns} from items where category = ${category} order by price_usd, id limit ${Number(limit)}`
    return Object.fromEntries(rows.map((row) => [row.id, itemOf(row)]))
  })
  .post(
    '/items',
    async ({ headers, body: fields, set }) => {
      const { sub } = await authenticate(headers)
      const row = { id: randomUUIDv7(), ...fields, store_manager_id: sub }
      await insert(row)
      set.status = 201
      set.headers.location = `/items/${row.id}`
      return row
    },
    { body },
  )
  .patch(
    '/items/:id',
    async ({ headers, params: { id }, body: fields }) => {
      const { sub } = await authenticate(headers)
      const { name = null, category = null, price_usd = null, in_stock = null } = fields
      const [row] =
        await sql`update items set name = coalesce(${name}, name), category = coalesce(${category}, category),
        price_usd = coalesce(${price_usd}::numeric, price_usd), in_stock = coalesce(${in_stock}::boolean, in_stock)
        where id = ${id} and store_manager_id = ${sub} returning ${columns}`
      return row ? itemOf(row) : status(404, { error: 'not_found' })
    },
    { params, body: t.Partial(body) },
  )
  .listen({ port: Number(env.PORT), hostname: env.HOST })
