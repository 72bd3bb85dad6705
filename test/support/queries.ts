import * as fc from 'fast-check'

import { anyOf } from './arbitraries.ts'

/** A parameter as it is written in a query, and whether that is a value of its type. */
export interface Given {
  name: string
  text: string
  fits: boolean
}

/** A parameter that nobody defined, meant as the one that it resembles. */
export interface Unknown {
  name: string
  meant: string
}

const fitting = (texts: fc.Arbitrary<string>) => texts.map((text) => ({ text, fits: true }))
const misfitting = (texts: fc.Arbitrary<string>) => texts.map((text) => ({ text, fits: false }))

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
  anyOf('Infinity|-Infinity|NaN|1e999|-1e999|1e-400| ||0x10|0b1|0o7|1_000|1,5|٥|true|null|[1]|4.99999999999999999999'),
  digits.map((text) => `.${text}`),
  digits.map((text) => `${text}.`),
  digits.map((text) => `+${text}`),
  digits.map((text) => `0${text}`),
  fc.tuple(anyOf(' |\t|\n'), digits).map((parts) => parts.join('')),
  fc.tuple(digits, anyOf(' |\t|\n|px|n')).map((parts) => parts.join('')),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }).map((value) => String(value * 2n + 1n)),
)

const limits = digits.chain((text) => fc.constantFrom(text, `${text}.0`, `${text}e0`, `${text}0e-1`))
const flags = fc.constantFrom('true', 'false')
const wrongFlags = anyOf('1|0|True|FALSE|yes|no|on|| true|false |null|t')

/** Parameters of the list, one each, that fit or do not. */
export const givenParameters: fc.Arbitrary<Given> = fc.oneof(
  parameter(anyOf('min_price|max_price'), numberTexts, wrongNumberTexts),
  parameter(fc.constant('limit'), limits, fc.oneof(wrongNumberTexts, anyOf('0|1001|-1|1.5|1e4'))),
  parameter(fc.constant('in_stock'), flags, wrongFlags),
)

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

function parameter(names: fc.Arbitrary<string>, right: fc.Arbitrary<string>, wrong: fc.Arbitrary<string>) {
  return fc
    .record({ name: names, value: fc.oneof(fitting(right), misfitting(wrong)) })
    .map(({ name, value: { text, fits } }) => ({ name, text, fits }))
}
