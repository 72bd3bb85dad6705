import type { ErrorObject } from 'ajv'
import type { FastifyError, FastifyRequest } from 'fastify'

import type { ValidationError } from '../problems.ts'
import type { QuerySchema } from './query-parameters.ts'
import { nearest } from './spelling.ts'

const parts = ['params', 'querystring', 'headers', 'body'] as const

/** Fastify stops at the first invalid part, so the others are validated here. */
export function validationErrors(error: FastifyError, request: FastifyRequest): ValidationError[] {
  return parts.flatMap((part) => {
    if (part === error.validationContext) return describe(part, error.validation as ErrorObject[])
    const validate = request.getValidationFunction(part)
    // A body of several media types has a function for each, and is validated where it is read.
    if (typeof validate !== 'function' || validate(request[part === 'querystring' ? 'query' : part] ?? null)) return []
    return describe(part, validate.errors ?? [])
  })
}

const wireNames = { params: 'path', querystring: 'query', headers: 'header', body: 'body' }

export function describe(part: (typeof parts)[number], errors: ErrorObject[]): ValidationError[] {
  const unknown = errors.filter(({ keyword }) => keyword === 'additionalProperties')
  const unlisted = new Set(unknown.slice(maxUnknown))
  const described = errors
    .filter((error) => !unlisted.has(error))
    .filter(({ schemaPath }) => !schemaPath.includes('/oneOf/'))
    .map((error) => {
      const path = error.instancePath
        .split('/')
        .slice(1)
        .map((step) => (/^\d+$/.test(step) ? Number(step) : step))
      const property: unknown = error.params['missingProperty'] ?? error.params['additionalProperty']
      const name = typeof property === 'string' ? [property.slice(0, longestName)] : []
      const { type, msg } = isRepeated(part, error) ? repeated : explain(error)
      return { type, loc: [wireNames[part], ...path, ...name], msg }
    })
  // A repeated parameter violates both its type and its values.
  return [...new Map(described.map((each) => [JSON.stringify(each), each])).values()]
}

const longestName = 100
/** A query may have thousands, and a response that listed them took a quarter of a second. */
const maxUnknown = 20

const repeated = { type: 'string_type', msg: 'must be given only once' }

function isRepeated(part: string, { keyword, data, params }: ErrorObject): boolean {
  const wantsOne = keyword === 'enum' || (keyword === 'type' && params['type'] !== 'array')
  return part === 'querystring' && Array.isArray(data) && wantsOne
}

function explain(error: ErrorObject): Omit<ValidationError, 'loc'> {
  const { keyword, params, data } = error
  switch (keyword) {
    case 'required':
      return { type: 'missing', msg: 'is required' }
    case 'type':
      return explainType([params['type']].flat()[0] as string, data)
    case 'enum': {
      const allowed = (params['allowedValues'] as unknown[]).filter((value) => value !== null && value !== '')
      return { type: 'enum', msg: `must be one of ${allowed.map((value) => `"${String(value)}"`).join(', ')}` }
    }
    case 'additionalProperties':
      return { type: 'extra_forbidden', msg: explainUnknown(error) }
    case 'minLength':
      return { type: 'string_too_short', msg: `must have at least ${limit(params)}` }
    case 'maxLength':
      return { type: 'string_too_long', msg: `must have at most ${limit(params)}` }
    case 'minimum':
      return { type: 'greater_than_equal', msg: `must be at least ${String(params['limit'])}` }
    case 'maximum':
      return { type: 'less_than_equal', msg: `must be at most ${String(params['limit'])}` }
    case 'pattern':
      return { type: 'string_pattern_mismatch', msg: rule(error) ?? 'must not contain NUL or a lone surrogate' }
    case 'format':
      return formats[String(params['format'])] ?? { type: 'value_error', msg: 'must be an email address' }
    default:
      return { type: keyword, msg: rule(error) ?? error.message ?? 'is invalid' }
  }
}

const formats: Record<string, { type: string; msg: string }> = {
  uuid: { type: 'uuid_parsing', msg: 'must be a UUID such as 0190a6f2-7c1e-7b3a-9d5e-2f1c8e4b6a70' },
  'date-time': { type: 'datetime_parsing', msg: 'must be a time such as 2026-11-26T08:00:00Z' },
}

const expected: Record<string, [type: string, msg: string]> = {
  string: ['string_type', 'must be a string'],
  integer: ['int_type', 'must be a whole number'],
  number: ['float_type', 'must be a number'],
  boolean: ['bool_type', 'must be true or false'],
  object: ['model_attributes_type', 'must be an object'],
}

function explainType(type: string, data: unknown): Omit<ValidationError, 'loc'> {
  if (typeof data === 'number' && type === 'number') {
    return { type: 'finite_number', msg: 'must be exactly representable as a 64-bit float' }
  }
  const [name, msg] = expected[type] ?? [`${type}_type`, `must be of type ${type}`]
  return { type: name, msg }
}

function explainUnknown({ params, parentSchema }: ErrorObject): string {
  const known = Object.keys((parentSchema as QuerySchema).properties)
  const given = String(params['additionalProperty'])
  const meant = nearest(given, known, () => Math.min(3, given.length / 2))
  const hint = meant === undefined ? `known: ${known.join(', ')}` : `did you mean ${meant}?`
  return `is not a known parameter (${hint})`
}

function limit(params: Record<string, unknown>): string {
  return params['limit'] === 1 ? '1 character' : `${String(params['limit'])} characters`
}

function rule({ parentSchema }: ErrorObject): string | undefined {
  return parentSchema?.['x-rule'] as string | undefined
}
