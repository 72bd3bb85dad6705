import * as fc from 'fast-check'

import { namePattern } from '../../src/openapi/schemas.ts'

/** As much of JSON Schema as the document's requests use. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  minProperties?: number
  maxProperties?: number
  /** Only objects without members that `properties` does not have fit, if it is false. */
  additionalProperties?: boolean
  required?: string[]
  properties?: Record<string, Schema>
  items?: Schema
  /** One schema, or null. */
  anyOf?: Schema[]
  oneOf?: { required: string[] }[]
}

export type Components = Record<string, Schema>
export type Fields = Record<string, unknown>

/** Values that fit `schema`, whose references are to `components`. */
export function arbitraryOf(reference: Schema, components: Components): fc.Arbitrary<unknown> {
  const schema = resolve(reference, components)
  const { enum: values, type, minimum = -Number.MAX_VALUE, exclusiveMinimum = -Infinity, items = {} } = schema
  if (values) return fc.constantFrom(...values)
  if (Array.isArray(type)) return fc.oneof(...type.map((each) => arbitraryOf({ ...schema, type: each }, components)))
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return integers(schema)
    case 'number':
      return numbers(minimum).filter((value) => value > exclusiveMinimum)
    case 'string':
      return texts(schema)
    case 'array':
      return fc.array(arbitraryOf(items, components))
    case 'object':
      return objectsOf(schema, components)
    default:
      throw new Error(`no values are known for ${JSON.stringify(schema)}`)
  }
}

/** Objects that fit `schema`: each field that it does not require is there or not. */
export function objectsOf(schema: Schema, components: Components): fc.Arbitrary<Fields> {
  const each = ({ properties = {}, required = [], minProperties = 0, maxProperties = Infinity }: Schema) => {
    const entries = Object.entries(properties).map(([name, property]) => [name, arbitraryOf(property, components)])
    const model = Object.fromEntries(entries) as Record<string, fc.Arbitrary<unknown>>
    return fc.record(model, { requiredKeys: required, noNullPrototype: true }).filter((fields) => {
      const { length } = Object.keys(fields)
      return length >= minProperties && length <= maxProperties
    })
  }
  return fc.oneof(...alternatives(resolve(schema, components)).map(each))
}

/** A schema for each of the alternatives of `oneOf`, which name the fields that they need. */
export function alternatives({ oneOf = [], required = [], properties = {}, ...rest }: Schema): Schema[] {
  if (oneOf.length === 0) return [{ ...rest, required, properties }]
  return oneOf.map((alternative) => {
    const others = new Set(oneOf.flatMap((other) => (other === alternative ? [] : other.required)))
    const kept = Object.fromEntries(Object.entries(properties).filter(([name]) => !others.has(name)))
    return { ...rest, properties: kept, required: [...required, ...alternative.required] }
  })
}

/** What `schema` refers to, in one piece. */
export function resolve(schema: Schema, components: Components): Schema {
  if (schema.anyOf) {
    const parts = schema.anyOf.map((part) => resolve(part, components))
    const values = parts.flatMap((part) => part.enum ?? (part.type === 'null' ? [null] : []))
    const type = parts.flatMap((part) => part.type ?? [])
    return Object.assign({}, ...parts, { type }, values.length > 1 && { enum: values }) as Schema
  }
  const name = schema.$ref?.split('/').at(-1)
  if (name === undefined) return schema
  const found = components[name]
  if (!found) throw new Error(`there is no component ${name}`)
  return found
}

/** What JSON spells as `text`, which a double might not hold. */
export const rawNumber = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/** Numbers that a double holds only changed, or not at all. */
export const lossyNumbers = fc
  .constantFrom('1e400', '-1e400', '1e-400', '12345678901234567890', '0.10000000000000000001', '1.7976931348623159e308')
  .map(rawNumber)

export const troublesomeNames = (
  '|__proto__|constructor|prototype|toString|hasOwnProperty|then|toJSON|$ref|length|' +
  'id|store_manager_id|store_manager|owner_name|passwordHash|PRICE_USD|is_admin'
).split('|')

export const troublesomeTexts = [
  "Robert'); drop table items;--",
  '😀'.repeat(64),
  'e\u0301'.repeat(32),
  // About as many bytes as bcrypt reads.
  ...[71, 72, 73].map((length) => 'p'.repeat(length)),
  'é'.repeat(36),
  ...' |\t|\n|\r\n|"|\'|\\|\\u0041|%|_|$1|{}|null|NaN|0|\u007F|\u0085|\u202E gnp.exe|שלום, עולם|مرحبا|e\u0301'.split(
    '|',
  ),
  ...'\u00E9|\u0301|İ|ß|👩‍👩‍👧‍👦|🏳️‍🌈|ﷺ|\uFEFF|\uFFFE|\uFFFF|\u2028|\u{10FFFF}'.split('|'),
]

const codePoints = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  anyOf('a|Z|0| |"|\'|\\|/|\n|%|😀|𝒳|\u{20000}|\u0301|\u200D|\u05D0|\u0627|\u202E|\u{10FFFF}'),
)

const times = fc.oneof(
  fc
    .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  anyOf(
    '0000-01-01T00:00:00Z|0001-01-01T00:00:00+23:59|1969-12-31T23:59:59.999Z|2026-02-31T00:00:00Z|' +
      '9999-12-31T23:59:59.999999999-23:59',
  ),
)

/** One of the texts between the bars. */
export function anyOf(list: string): fc.Arbitrary<string> {
  return fc.constantFrom(...list.split('|'))
}

/** Text of the lengths, in code points, that `schema` allows, and of what its pattern or format allows. */
export function texts({ format, pattern = '', minLength = 0, maxLength = 255 }: Schema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid()
  if (format === 'date-time') return times
  if (format === 'idn-email') return emails(maxLength)
  const [, word] = /^\^(\w+)\$$/.exec(pattern) ?? []
  if (word !== undefined) return fc.constant(word)
  if (pattern.startsWith('^(?:me|')) return fc.oneof(fc.constant('me'), fc.uuid())
  const isName = pattern === namePattern
  if (pattern.startsWith('^(?:') && !isName) return fc.stringMatching(new RegExp(pattern, 'u'))
  const allowed = new RegExp(pattern, 'u')
  const unit = codePoints.filter((each) => (isName ? each !== '\0' : allowed.test(each)))
  const known = troublesomeTexts.filter((text) => {
    const { length } = Array.from(text)
    return length >= minLength && length <= maxLength && allowed.test(text)
  })
  const usual = fc.string({ unit, minLength, maxLength, size: 'medium' })
  const longest = fc.string({ unit, minLength: maxLength, maxLength, size: 'max' })
  const any = fc.oneof(
    { weight: 5, arbitrary: usual },
    { weight: 1, arbitrary: longest },
    { weight: 2, arbitrary: known.length > 0 ? fc.constantFrom(...known) : usual },
  )
  return isName ? any.filter((text) => allowed.test(text)) : any
}

/** Names of items and managers. */
export const names = texts({ pattern: namePattern, minLength: 1, maxLength: 64 })

function emails(maxLength: number): fc.Arbitrary<string> {
  const host = `@${'a'.repeat(63)}.${'b'.repeat(63)}.`.padEnd(maxLength - 64, 'c')
  const longest = fc.nat().map((number) => String(number).padEnd(64, 'a') + host)
  const usual = fc.emailAddress().filter((email) => email.length <= maxLength)
  const international = fc.nat().map((number) => `jörg.${number}@müller.example`)
  return fc.oneof(
    { weight: 8, arbitrary: usual },
    { weight: 1, arbitrary: longest },
    { weight: 1, arbitrary: international },
  )
}

function integers({
  minimum = Number.MIN_SAFE_INTEGER,
  maximum = Number.MAX_SAFE_INTEGER,
}: Schema): fc.Arbitrary<number> {
  return fc
    .oneof(fc.maxSafeInteger(), fc.integer({ min: -2, max: 2000 }), fc.constantFrom(minimum, maximum))
    .filter((value) => value >= minimum && value <= maximum)
}

function numbers(minimum: number): fc.Arbitrary<number> {
  const edges = [0, -0, 0.1, 0.1 + 0.2, 4.99, 99_999_999.99, 131_072.01, 5e-324, Number.MAX_VALUE, 1e15 + 0.5, 2 ** 53]
  const powers = fc.integer({ min: -1074, max: 1023 }).map((exponent) => 2 ** exponent)
  const cents = fc.maxSafeInteger().map((value) => value / 100)
  const doubles = fc.double({ min: minimum, noNaN: true, noDefaultInfinity: true })
  return fc.oneof(doubles, cents, powers, fc.constantFrom(...edges)).filter((value) => value >= minimum)
}
