import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

import type { FastifyReply, FastifyRequest } from 'fastify'

import { acceptsGzip, varyByEncoding } from './compression.ts'

export interface SharedBody {
  type: string
  /** Weak, because it stands for the body with and without gzip. */
  etag: string
  plain: Buffer
  compressed: Buffer
}

export async function shareBody(type: string, plain: Buffer): Promise<SharedBody> {
  const hash = createHash('sha256').update(plain).digest('base64url')
  return { type, etag: `W/"${hash}"`, plain, compressed: await promisify(gzip)(plain) }
}

export function sendShared({ headers }: FastifyRequest, reply: FastifyReply, body: SharedBody): FastifyReply {
  const { type, etag, plain, compressed } = body
  varyByEncoding(reply)
  reply.headers({ etag, 'cache-control': 'no-cache' })
  if (headers['if-none-match']?.includes(etag.slice('W/'.length))) return reply.code(304).send()
  reply.type(type)
  if (!acceptsGzip(headers['accept-encoding'])) return reply.send(plain)
  return reply.header('content-encoding', 'gzip').send(compressed)
}
