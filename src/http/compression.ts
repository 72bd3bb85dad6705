import type { FastifyReply } from 'fastify'

/** Whether the Accept-Encoding header allows gzip (RFC 9110 §12.5.3). */
export function acceptsGzip(acceptEncoding: string | string[] = ''): boolean {
  const weights = new Map<string, number>()
  for (const each of String(acceptEncoding).toLowerCase().split(',')) {
    const [coding = '', weight = 'q=1'] = each.split(';').map((part) => part.trim())
    weights.set(coding, /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0)
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

export function varyByEncoding(reply: FastifyReply): void {
  reply.header('vary', [reply.getHeader('vary'), 'Accept-Encoding'].filter(Boolean).join(', '))
}
