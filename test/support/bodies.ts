import * as fc from 'fast-check'

import { namePattern } from '../../src/openapi/schemas.ts'
import {
  alternatives,
  anyOf,
  type Components,
  type Fields,
  lossyNumbers,
  objectsOf,
  rawNumber,
  resolve,
  type Schema,
  texts,
  troublesomeNames,
} from './arbitraries.ts'

/** An invalid body, and the location that a response has to name: `body.price_usd`. */
export interface Misfit {
  text: string
  at: string[]
}

/** Objects that fit `schema`, and JSON of them: their fields in any order, among others that it does not know. */
export function bodiesOf(schema: Schema, components: Components): fc.Arbitrary<{ value: Fields; text: string }> {
  const { properties = {}, additionalProperties: isOpen = true } = resolve(schema, components)
  const known = Object.keys(properties)
  const name = fc.oneof(fc.constantFrom(...troublesomeNames), fc.string({ unit: 'binary' }))
  const extra = fc.tuple(
    name.filter((each) => !known.includes(each)),
    fc.oneof(fc.jsonValue(), troublesomeNumbers),
  )
  return fc
    .tuple(objectsOf(schema, components), fc.array(extra, { maxLength: isOpen ? 4 : 0 }))
    .chain(([value, extras]) => shuffled([...Object.entries(value), ...extras]).map((members) => ({ value, members })))
    .map(({ value, members }) => ({ value, text: toJson(members) }))
}

/** Bodies that would fit `schema`, were it not for one thing, or for one thing each in several fields. */
export function misfitsOf(reference: Schema, components: Components): fc.Arbitrary<Misfit> {
  const schema = resolve(reference, components)
  const { required = [], oneOf = [] } = schema
  const variants = alternatives(schema)
  const spoilt = variants.flatMap((variant) => {
    const valid = objectsOf(variant, components)
    const wrong = Object.entries(variant.properties ?? {}).map(([name, property]) =>
      wrongValues(resolve(property, components)).map((value) => ({ [name]: value })),
    )
    const several = fc
      .tuple(...wrong)
      .chain((changes) => fc.subarray(changes, { minLength: Math.min(2, changes.length) }).map(merge))
    const missing = (variant.required ?? []).map((name) =>
      misfit(valid, fc.constant({ [name]: undefined }), required.includes(name) ? [`body.${name}`] : ['body']),
    )
    return [...[...wrong, several].map((changes) => misfit(valid, changes)), ...missing]
  })
  const all = fc.tuple(...variants.map((variant) => objectsOf(variant, components)))
  if (oneOf.length > 1) spoilt.push(misfit(fc.constant({}), all.map(merge), ['body']))
  const noObject = anyOf('null|[]|[{}]|"text"|1|true|').map((text) => ({ text, at: ['body'] }))
  return fc.oneof({ weight: 9, arbitrary: fc.oneof(...spoilt) }, { weight: 1, arbitrary: noObject })
}

/** Bodies where `body` is asked for: some fit, some almost do, some are noise. */
export function payloadsFor(body: Schema | undefined, components: Components): fc.Arbitrary<Buffer | undefined> {
  const noise = fc.oneof(
    bytes,
    hostileJson.map(toBuffer),
    fc.integer({ min: 65_000, max: 66_500 }).map((length) => Buffer.alloc(length, ' ')),
  )
  const nothing = fc.constant(undefined)
  if (!body) return fc.oneof({ weight: 3, arbitrary: nothing }, { weight: 1, arbitrary: noise.map(legible) })
  if (body.type === 'string')
    return fc.oneof(files.map(toBuffer), files.map(toBuffer).chain(damaged), noise).map(legible)
  const fitting = bodiesOf(body, components).map(({ text }) => toBuffer(text))
  const spliced = fc.tuple(fitting, bytes, fc.nat(), fc.nat({ max: 4 })).map(splice)
  const wrongOctets = fc.constantFrom([0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3])
  const illegible = fc
    .tuple(fitting, wrongOctets)
    .map(([text, octets]) => splice([text, Buffer.from(octets), text.indexOf(':"') + 2, 0]))
  const almost = misfitsOf(body, components).map(({ text }) => toBuffer(text))
  return fc.oneof(fitting, spliced, illegible, almost, noise, fc.constantFrom(undefined, Buffer.alloc(0))).map(legible)
}

/** Files of items, or almost. */
const files: fc.Arbitrary<string> = fc
  .tuple(
    anyOf(',|;|\t|"'),
    anyOf('\n|\r\n|\r|\n\n'),
    fc.shuffledSubarray(['name', 'CATEGORY', ' price_usd', 'in_stock', 'id', 'x'], { minLength: 4 }),
    fc.array(
      fc.array(
        fc.oneof(
          anyOf('Tea|Pet|1|4.99|"4,99"|1e999|true|FALSE||"a\nb"|"|""|{}|019a6f2b-7c1e-7b3a-9d5e-2f1c8e4b6a70'),
          fc.string(),
        ),
        { minLength: 3, maxLength: 7 },
      ),
      { maxLength: 9 },
    ),
  )
  .map(([delimiter, end, header, rows]) => [header, ...rows].map((fields) => fields.join(delimiter) + end).join(''))

/** The same with other bytes somewhere. */
function damaged(file: Buffer): fc.Arbitrary<Buffer> {
  return fc.tuple(fc.constant(file), bytes, fc.nat(), fc.nat({ max: 4 })).map(splice)
}

/** The same bytes, which a report of fast-check shows as text. */
export function legible<T extends Buffer | undefined>(payload: T): T {
  const text = () => `Buffer.from(${JSON.stringify(payload?.toString('latin1'))}, 'latin1')`
  return payload && Object.assign(payload, { [fc.toStringMethod]: text })
}

function toBuffer(text: string): Buffer {
  return Buffer.from(text)
}

/** `text` with other bytes at one place, instead of as many as are `gone`. */
export function splice([text, octets, at, gone]: [text: Buffer, octets: Buffer, at: number, gone: number]): Buffer {
  const start = at % (text.length + 1)
  return Buffer.concat([text.subarray(0, start), octets, text.subarray(start + gone)])
}

export const bytes = fc.uint8Array({ size: '+1' }).map((octets) => Buffer.from(octets))

const deep = fc.tuple(fc.constantFrom('[', '{"a":', '[{"":'), fc.integer({ min: 1, max: 9_000 }))

/** JSON, or almost: nested, long, with names more than once, in bytes that are no UTF-8. */
const hostileJson = fc.oneof(
  fc.json(),
  deep.map(([open, depth]) => open.repeat(depth)),
  fc
    .tuple(fc.integer({ min: 1, max: 30_000 }), anyOf('|,"a":1e2'))
    .map(([depth, more]) => `{"b":${'['.repeat(depth)}${']'.repeat(depth)}${more}}`),
  fc.integer({ min: 1, max: 33_000 }).map((length) => `[${'1,'.repeat(length)}1]`),
  fc
    .tuple(fc.nat({ max: 60_000 }), fc.constantFrom('1', '-1', '0.1', '1e'))
    .map(([zeros, end]) => `{"price_usd":1${'0'.repeat(zeros)}${end}}`),
  anyOf(
    '{"name":"a","name":"b","price_usd":1,"price_usd":2}|{"a":1,}|{\'a\':1}|\uFEFF{}|{}{}|NaN|{"a":\u0000}|//|{"a":01}',
  ),
)

const troublesomeNumbers = fc.oneof(lossyNumbers, fc.constantFrom('-0', '1E+2', '-0.0e-9', '1e2').map(rawNumber))

/** The `valid` fields with `changes`, which are wrong where they are, unless `at` says where. */
function misfit(valid: fc.Arbitrary<Fields>, changes: fc.Arbitrary<Fields>, at?: string[]): fc.Arbitrary<Misfit> {
  return fc.tuple(valid, changes).map(([fields, change]) => {
    const members = Object.entries({ ...fields, ...change }).filter(([, value]) => value !== undefined)
    return { text: toJson(members), at: at ?? Object.keys(change).map((name) => `body.${name}`) }
  })
}

const anyKind = ['text', '1', '4.99', 'true', '', 0, 1, -1.5, true, false, null, [], ['Pet'], {}, { name: 'x' }]

/** Values that `schema` rejects, each for one reason. */
function wrongValues(schema: Schema): fc.Arbitrary<unknown> {
  const { type, enum: values, minimum } = schema
  const types = new Set([type].flat())
  const kinds: fc.Arbitrary<unknown>[] = [fc.constantFrom(...anyKind.filter((value) => !types.has(typeOf(value))))]
  if (values) kinds.push(valuesOutside(values))
  else if (types.has('string')) kinds.push(...wrongTexts(schema))
  if (minimum === 0) {
    kinds.push(fc.double({ max: -Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true }), lossyNumbers)
  }
  return fc.oneof(...kinds)
}

const invisible = ' |\t|\u00A0|\u200B|\u3164|\u2060|\uFEFF|\u2028|\u2800|\u00AD|\u{E0001}|\u115F|\u0085'

function wrongTexts(schema: Schema): fc.Arbitrary<unknown>[] {
  const { format, pattern, minLength = 0, maxLength } = schema
  if (format === 'idn-email') {
    const long = '@example.com'.padStart((maxLength ?? 0) + 1, 'a')
    const longLocal = `${'é'.repeat(33)}@example.com`
    const wrong = ['', ' ', 'ada', 'ada@', '@example.com', 'a da@example.com', 'a\0@b.org', '\uD800@b.org', 'a@b..org']
    return [fc.constantFrom(...wrong, long, longLocal, `a@${'b'.repeat(64)}.org`)]
  }
  const kinds: fc.Arbitrary<string>[] = []
  const ofLength = (length: number) => texts({ ...schema, minLength: length, maxLength: length })
  if (maxLength !== undefined) kinds.push(ofLength(maxLength + 1))
  if (minLength > 0) kinds.push(ofLength(minLength - 1), fc.constant(''))
  if (pattern === namePattern) {
    kinds.push(fc.string({ unit: anyOf(invisible), minLength: 1, maxLength: 64 }))
  }
  if (pattern !== undefined) {
    const fitting = texts({ pattern, minLength, maxLength: (maxLength ?? 64) - 1 })
    kinds.push(fc.tuple(fitting, fc.constantFrom('\0', '\uD800', '\uDFFF'), fc.nat()).map(insert))
  }
  return kinds
}

/** Text that is none of `values`, but almost. */
function valuesOutside(values: unknown[]): fc.Arbitrary<string> {
  const almost = values.flatMap((value) => {
    const text = String(value)
    return [text.toLowerCase(), text.toUpperCase(), `${text} `, ` ${text}`, `${text}\0`, text.slice(1)]
  })
  return fc.oneof(fc.constantFrom(...almost), fc.string()).filter((text) => !values.includes(text))
}

function insert([text, wrong, at]: [text: string, wrong: string, at: number]): string {
  const points = Array.from(text)
  return points.toSpliced(at % (points.length + 1), 0, wrong).join('')
}

function merge(values: Fields[]): Fields {
  return Object.assign({}, ...values) as Fields
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** JSON text with these members in this order, a name as often as it is there. */
export function toJson(members: [name: string, value: unknown][]): string {
  const spelt = members.map(([name, value]) => {
    const exact = Object.is(value, -0) ? rawNumber('-0') : value
    return `${JSON.stringify(name)}:${JSON.stringify(exact)}`
  })
  return `{${spelt.join(',')}}`
}

function shuffled<T>(values: T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray(values, { minLength: values.length, maxLength: values.length })
}
