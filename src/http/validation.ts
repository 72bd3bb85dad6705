import { Ajv, type AnySchema, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import type { FastifyError, FastifyRequest, FastifyServerOptions } from 'fastify'

import type { ValidationError } from '../problems.ts'
import { normalizeEmail } from './email-address.ts'
import { type QuerySchema, readQuery } from './query-parameters.ts'
import { nearest } from './spelling.ts'

// Fastify's own options would coerce "1" to 1 and stop at the first error.
const options: Options = {
  allErrors: true,
  removeAdditional: 'all',
  strictSchema: false,
  allowUnionTypes: true,
  verbose: true,
  // A test validates the schemas; here it would take a tenth of the startup time.
  meta: false,
  validateSchema: false,
}

// Headers are not removed, whatever a schema says, and unknown parameters may be rejected.
const keepingOptions: Options = { ...options, removeAdditional: false }

// Stops at the first error, because a large body could have an error for every few bytes.
const strictOptions: Options = { ...keepingOptions, allErrors: false }

// ajv-formats also accepts `urn:uuid:`, which PostgreSQL does not.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** RFC 3339, with no leap second. */
const dateTime =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

function isTime(text: string): boolean {
  if (!dateTime.test(text)) return false
  const day = text.slice(0, 10)
  // Of February 30, Date makes a day of March.
  return new Date(day).toISOString().startsWith(day)
}

type BuildValidator = NonNullable<
  NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>['buildValidator']
>

// Compiled by the first request that needs them, like serializers.
export const buildValidator = ((sharedSchemas: Record<string, AnySchema>) => {
  const schemas = Object.values(sharedSchemas)
  const ofBodies = once(() => withFormats(new Ajv({ ...options, schemas })))
  const ofQueries = once(() => withFormats(new Ajv({ ...keepingOptions, schemas })))
  const ofHeaders = once(() => new Ajv(keepingOptions))
  const ofStrictBodies = once(() => withFormats(new Ajv({ ...strictOptions, schemas })))
  return ({ schema, httpPart }: { schema: AnySchema; httpPart?: string }) => {
    if (isStreamed(schema)) return () => true
    if (httpPart === 'querystring') {
      return validator(ofQueries, schema, (query) => readQuery(schema as QuerySchema, query as Record<string, unknown>))
    }
    if (isStrict(schema)) return validator(ofStrictBodies, schema)
    return validator(httpPart === 'headers' ? ofHeaders : ofBodies, schema)
  }
}) as unknown as BuildValidator

function once<Value>(open: () => Value): () => Value {
  let value: Value | undefined
  return () => (value ??= open())
}

function validator(ajv: () => Ajv, schema: AnySchema, prepare = (_value: unknown) => {}) {
  let compiled: ValidateFunction | undefined
  const check = (value: unknown): boolean => {
    prepare(value)
    compiled ??= ajv().compile(schema)
    const fits = compiled(value)
    check.errors = compiled.errors
    return fits
  }
  check.errors = undefined as ValidateFunction['errors']
  return check
}

function withFormats(ajv: Ajv): Ajv {
  ajv.addFormat('idn-email', (text: string) => normalizeEmail(text) !== undefined)
  return ajv.addFormat('uuid', uuid).addFormat('date-time', isTime).addFormat('password', true)
}

/** Whether unknown members of a body are rejected rather than removed. */
function isStrict(schema: AnySchema): boolean {
  return typeof schema === 'object' && schema['x-strict'] === true
}

/** Separate, because describing an error takes longer than finding it. */
export interface Wrong {
  count: number
  describe(): ValidationError[]
}

/** For many values, which it does not change. */
export function buildCheck(schema: AnySchema, sharedSchemas: AnySchema[]): (value: unknown) => Wrong | undefined {
  const ajv = withFormats(new Ajv({ ...keepingOptions, schemas: sharedSchemas }))
  const validate = ajv.compile(schema)
  return (value) => {
    if (validate(value)) return undefined
    const errors = validate.errors ?? []
    return { count: errors.length, describe: () => describe('body', errors) }
  }
}

function isStreamed(schema: AnySchema): boolean {
  return typeof schema === 'object' && schema['x-streamed'] === true
}

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

function describe(part: (typeof parts)[number], errors: ErrorObject[]): ValidationError[] {
  const described = errors
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
