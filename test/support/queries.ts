import * as fc from 'fast-check'

import { anyOf, type Schema } from './arbitraries.ts'
import type { Operation, Parameter } from './document.ts'

/** A parameter of an operation as it is written in a query, and whether that is a value of its type. */
export interface Given {
  operation: Operation
  name: string
  text: string
  fits: boolean
}

/** An undefined parameter, meant as the one that it resembles. */
export interface Unknown {
  name: string
  meant: string
}

const fitting = (texts: fc.Arbitrary<string>) => texts.map((text) => ({ text, fits: true }))
const misfitting = (texts: fc.Arbitrary<string>) => texts.map((text) => ({ text, fits: false }))

/** Also as 1e999, which is JSON, but no double. */
const infinities = anyOf('Infinity|-Infinity|1e999|1E400|NaN')

const doubles = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })
const digits = fc.integer({ min: 1, max: 999 }).map(String)

/** Numbers as JSON writes them, each of which a double holds. */
export const numberTexts = fc.oneof(
  doubles.map((value) => JSON.stringify(value)),
  doubles.map((value) => value.toExponential()),
  digits.map((text) => `${text}.000000000000000000000`),
  digits.map((text) => `${text}E+1`),
)

/** What some languages read as a number and JSON does not, and numbers that no double holds. */
export const wrongNumberTexts = fc.oneof(
  { weight: 8, arbitrary: infinities },
  anyOf('1e-400| ||0x10|0b1|0o7|1_000|1,5|٥|true|null|[1]|4.99999999999999999999'),
  digits.map((text) => `.${text}`),
  digits.map((text) => `${text}.`),
  digits.map((text) => `+${text}`),
  digits.map((text) => `0${text}`),
  fc.tuple(anyOf(' |\t|\n'), digits).map((parts) => parts.join('')),
  fc.tuple(digits, anyOf(' |\t|\n|px|n')).map((parts) => parts.join('')),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }).map((value) => String(value * 2n + 1n)),
)

const flags = fc.constantFrom('true', 'false')
const wrongFlags = anyOf('1|0|True|FALSE|yes|no|on|| true|false |null|t')

/** Parameters of `operations` that are numbers or flags, one each, that fit or do not. */
export function givenParameters(operations: Operation[]): fc.Arbitrary<Given> {
  const all = operations.flatMap((operation) =>
    operation.parameters.flatMap((parameter) => {
      const values = valuesOf(parameter)
      return values ? [values.map(({ text, fits }) => ({ operation, name: parameter.name, text, fits }))] : []
    }),
  )
  return fc.oneof(...all)
}

function valuesOf({ name, schema }: Parameter): fc.Arbitrary<{ text: string; fits: boolean }> | undefined {
  switch (schema.type) {
    case 'number':
      return fc.oneof(fitting(numberTexts), misfitting(wrongNumberTexts))
    case 'integer':
      return fc.oneof(
        fitting(integerTexts(name, schema)),
        misfitting(fc.oneof(wrongNumberTexts, wrongIntegers(schema))),
      )
    case 'boolean':
      return fc.oneof(fitting(flags), misfitting(wrongFlags))
    default:
      return undefined
  }
}

/** None that a response waits for. */
export function integerTexts(name: string, { minimum = 0, maximum = 1000 }: Schema): fc.Arbitrary<string> {
  return fc
    .integer({ min: minimum, max: name === 'wait' ? 0 : maximum })
    .chain((value) => fc.constantFrom(String(value), `${value}.0`, `${value}e0`, `${value}0e-1`))
    .map((text) => text.replace(/^00/, '0'))
}

export function wrongIntegers({ minimum = 0, maximum = 1000 }: Schema): fc.Arbitrary<string> {
  return fc.constantFrom(minimum - 1, maximum + 1, 1.5).map(String)
}

/** Parameters that resemble some of `known` and are none of them. */
export function unknownParameters(known: string[]): fc.Arbitrary<Unknown> {
  const changes = [
    (name: string) => `${name}[]`,
    (name: string) => name.slice(1),
    (name: string) => name.toUpperCase(),
    (name: string) => `${name}s`,
    (name: string) => name.replace('_', '-'),
    (name: string) => name.replace('_', ''),
    (name: string) => `${name} `,
  ]
  return fc
    .tuple(fc.constantFrom(...known), fc.constantFrom(...changes))
    .map(([meant, change]) => ({ meant, name: change(meant) }))
    .filter(({ name }) => name !== '' && name !== '_' && !known.includes(name))
}
