import { pipeline, type Readable } from 'node:stream'
import { createGzip } from 'node:zlib'

/** Whether `acceptEncoding`, the value of that header, lets an answer be compressed by gzip (RFC 9110 §12.5.3). */
export function acceptsGzip(acceptEncoding = ''): boolean {
  const weights = new Map<string, number>()
  for (const each of acceptEncoding.toLowerCase().split(',')) {
    const [coding = '', weight = 'q=1'] = each.split(';').map((part) => part.trim())
    weights.set(coding, /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0)
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

/** `stream`, compressed. It fails if that does, and ends that if it is ended itself. */
export function gzip(stream: Readable): Readable {
  // A higher level takes longer than PostgreSQL needs for the rows.
  return pipeline(stream, createGzip({ level: 1 }), () => {})
}
