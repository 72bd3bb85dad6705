import type { FastifyReply } from 'fastify'

export function acceptsGzip(acceptEncoding?: string | string[]): boolean {
  return accepts('gzip', acceptEncoding)
}

export function accepts(coding: 'br' | 'gzip', acceptEncoding: string | string[] = ''): boolean {
  const weights = new Map<string, number>()
  for (const each of String(acceptEncoding).toLowerCase().split(',')) {
    const [name = '', weight = 'q=1'] = each.split(';').map((part) => part.trim())
    weights.set(name, /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0)
  }
  return (weights.get(coding) ?? weights.get('*') ?? 0) > 0
}

export function varyByEncoding(reply: FastifyReply): void {
  reply.header('vary', [reply.getHeader('vary'), 'Accept-Encoding'].filter(Boolean).join(', '))
}
