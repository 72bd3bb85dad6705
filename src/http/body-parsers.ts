import type { FastifyRequest } from 'fastify'

import { Problem, unsupportedMediaType } from '../problems.ts'
import type { App } from './types.ts'

export const bodyLimit = 64 * 1024

export function hasBody({ raw: { headers } }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Replaces Fastify's parsers: accepts JSON with exact numbers, or no body where it is optional; everything else is 415. */
export function acceptJson(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    refuseCodings(request)
    return parseJson(body)
  })
  // Clients may declare a type and send nothing, as many do with DELETE.
  app.addContentTypeParser('*', async (request: FastifyRequest) => {
    if (request.headers['content-length'] !== '0') throw unsupportedMediaType('application/json')
  })
}

/** Accepts only forms, urlencoded or multipart. A file is not text. */
export function acceptForms(app: App): void {
  app.removeAllContentTypeParsers()
  const forms = ['application/x-www-form-urlencoded', 'multipart/form-data']
  app.addContentTypeParser(forms, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    refuseCodings(request)
    return parseForm(body, request.headers['content-type'] ?? '')
  })
  app.addContentTypeParser('*', async () => {
    throw unsupportedMediaType(forms.join(' or '))
  })
}

function refuseCodings({ headers }: FastifyRequest): void {
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = headers
  if (encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported_media_type', 'The body must not be compressed. Send it without Content-Encoding.', {
      headers: { 'accept-encoding': 'identity' },
    })
  }
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1]
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(charset)) {
    throw new Problem('unsupported_media_type', 'The charset of the body must be UTF-8.')
  }
}

/** A number that a double would change becomes infinite, which no schema accepts. @throws Problem malformed_body */
export async function parseJson(body: Buffer): Promise<unknown> {
  if (body.length === 0) return undefined
  if (hasTooManyParts(body)) {
    const detail = `The body has more than ${maxParts.toLocaleString('en')} arrays, objects, and members of objects. No request needs as many.`
    throw new Problem('malformed_body', detail)
  }
  try {
    return parseLossless(utf8.decode(body))
  } catch {
    // The parser's message quotes the body, which may contain a password.
    throw new Problem('malformed_body', 'The body is not valid UTF-8 JSON, or is nested too deeply.')
  }
}

/** More than any valid body has. Without a limit, parsing 1 MiB of them occupies the process for a quarter of a second. */
const maxParts = 1_000

const quote = 0x22
const backslash = 0x5c
const bracket = 0x5b
const brace = 0x7b
const colon = 0x3a

/** Counts arrays, objects, and their members. */
function hasTooManyParts(body: Buffer): boolean {
  let parts = 0
  let isInString = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (byte === quote) isInString = !isInString
    else if (isInString && byte === backslash) at++
    else if (!isInString && (byte === bracket || byte === brace || byte === colon) && ++parts > maxParts) return true
  }
  return false
}

// Not with a reviver: for a body of 1 MiB that took two seconds.
export function parseLossless(text: string): unknown {
  return JSON.parse(longNumber.test(text) ? text.replaceAll(literal, keepExact) : text)
}

export function exactNumber(text: string): number {
  return isExact(text) ? Number(text) : Number.NaN
}

async function parseForm(body: Buffer, contentType: string): Promise<unknown> {
  try {
    utf8.decode(body)
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData()
    return Object.fromEntries(form)
  } catch {
    throw new Problem('malformed_body', 'The body is not a valid UTF-8 form of the declared Content-Type.')
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A number that may exceed the precision of a double: one of 16 digits or more, or with an exponent. */
const longNumber = /(?:\d\.?){16}|\de[-+]?\d/i

/** A string, also without its end, or a number, without its sign. */
const literal = /"(?:[^"\\]|\\.)*"?|(?:0|[1-9]\d*)(?:\.\d+)?(?:e[-+]?\d+)?/gis

function keepExact(text: string): string {
  return text.startsWith('"') || isExact(text) ? text : infinite
}

/** JSON for Infinity, which no schema accepts. */
const infinite = '1e999'

/** A double holds every number of 15 digits that is not near its limits. */
function isExact(number: string): boolean {
  const value = Number(number)
  const size = Math.abs(value)
  if (number.length <= 15 && size > 1e-300 && size < 1e300) return true
  return !longNumber.test(number) || digits(number) === digits(String(value))
}

/** Normalizes 1.50, 15e-1, and 0.15E1 alike. Linear in the length, which the client chooses: /0+$/ alone would be quadratic. */
function digits(number: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:e([-+]?\d+))?$/i.exec(number) ?? []
  const all = whole + fraction
  const first = all.search(/[1-9]/)
  if (first === -1) return '0'
  let end = all.length
  while (all[end - 1] === '0') end--
  return `${all.slice(first, end)}e${Number(exponent) + whole.length - end}`
}
