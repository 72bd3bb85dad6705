import { Ajv, type AnySchema, type Options, type ValidateFunction } from 'ajv'
import type { FastifyServerOptions } from 'fastify'

import type { ValidationError } from '../problems.ts'
import { normalizeEmail } from './email-address.ts'
import { type QuerySchema, readQuery } from './query-parameters.ts'
import { describe } from './validation-errors.ts'

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
