import { Ajv, type AnySchema, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import type { FastifyError, FastifyRequest, FastifyServerOptions } from 'fastify'

import type { ValidationError } from '../problems.ts'
import { normalizeEmail } from './email-address.ts'
import { type QuerySchema, readQuery } from './query-parameters.ts'
import { nearest } from './spelling.ts'

// Fastify's own options would take "1" for 1 and stop at the first error.
const options: Options = {
  allErrors: true,
  removeAdditional: 'all',
  strictSchema: false,
  allowUnionTypes: true,
  verbose: true,
  // Schemas are checked against JSON Schema's own by the test of the OpenAPI document; here that was a tenth of a start.
  meta: false,
  validateSchema: false,
}

// Headers are the client's own, and stay, whatever a schema says of some of them. Unknown parameters may be refused.
const keepingOptions: Options = { ...options, removeAdditional: false }

// ajv-formats also lets `urn:uuid:` pass, which PostgreSQL does not.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

type BuildValidator = NonNullable<
  NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>['buildValidator']
>

/** A compiler of validators that take bodies, paths and headers as they are, and read queries as `readQuery` does. */
export const buildValidator = ((sharedSchemas: Record<string, AnySchema>) => {
  const ajv = withFormats(new Ajv({ ...options, schemas: Object.values(sharedSchemas) }))
  const ofQueries = new Ajv({ ...keepingOptions, schemas: Object.values(sharedSchemas) })
  const ofHeaders = new Ajv(keepingOptions)
  return ({ schema, httpPart }: { schema: AnySchema; httpPart?: string }) => {
    if (isStreamed(schema)) return () => true
    if (httpPart === 'querystring') return queryValidator(schema as QuerySchema, ofQueries.compile(schema))
    return (httpPart === 'headers' ? ofHeaders : ajv).compile(schema)
  }
}) as unknown as BuildValidator

function withFormats(ajv: Ajv): Ajv {
  ajv.addFormat('idn-email', (text: string) => normalizeEmail(text) !== undefined)
  return ajv.addFormat('uuid', uuid).addFormat('password', true)
}

function queryValidator(schema: QuerySchema, validate: ValidateFunction) {
  const check = (query: Record<string, unknown>): boolean => {
    readQuery(schema, query)
    const fits = validate(query)
    check.errors = validate.errors
    return fits
  }
  check.errors = validate.errors
  return check
}

/** What is wrong with a value. To describe it takes longer than to find it. */
export interface Wrong {
  count: number
  describe(): ValidationError[]
}

/** A check of values that come in great numbers: what is wrong with one, as if it were a body. It changes none. */
export function buildCheck(schema: AnySchema, sharedSchemas: AnySchema[]): (value: unknown) => Wrong | undefined {
  const ajv = withFormats(new Ajv({ ...keepingOptions, schemas: sharedSchemas }))
  const validate = ajv.compile(schema)
  return (value) => {
    if (validate(value)) return undefined
    const errors = validate.errors ?? []
    return { count: errors.length, describe: () => describe('body', errors) }
  }
}

/** Whether the route reads the body itself, and looks at it as it comes. */
function isStreamed(schema: AnySchema): boolean {
  return typeof schema === 'object' && schema['x-streamed'] === true
}

const parts = ['params', 'querystring', 'headers', 'body'] as const

/** Every reason why `request` does not fit. Fastify stops at its first bad part, so the others are asked here. */
export function validationErrors(error: FastifyError, request: FastifyRequest): ValidationError[] {
  return parts.flatMap((part) => {
    if (part === error.validationContext) return describe(part, error.validation as ErrorObject[])
    const validate = request.getValidationFunction(part)
    // A body of several media types has a function for each, and is looked at where it is read.
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
  // A parameter that is given twice is neither of the type nor one of the values.
  return [...new Map(described.map((each) => [JSON.stringify(each), each])).values()]
}

/** Characters of the name of an unknown parameter in an answer. */
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
      return params['format'] === 'uuid'
        ? { type: 'uuid_parsing', msg: 'must be a UUID such as 0190a6f2-7c1e-7b3a-9d5e-2f1c8e4b6a70' }
        : { type: 'value_error', msg: 'must be an email address' }
    default:
      return { type: keyword, msg: rule(error) ?? error.message ?? 'is invalid' }
  }
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

/** What the schema itself says of a rule that has no words here. */
function rule({ parentSchema }: ErrorObject): string | undefined {
  return parentSchema?.['x-rule'] as string | undefined
}
