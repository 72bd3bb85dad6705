import * as fc from 'fast-check'

import { anyOf } from './arbitraries.ts'

/** A name, and whether a character of it is visible. */
export interface SpelledName {
  name: string
  isVisible: boolean
}

/** The first and last of code points without a glyph, as Unicode's code charts and DerivedCoreProperties.txt list them. */
const invisibleRanges = [
  [0x01, 0x20],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1_bca0, 0x1_bca3],
  [0x1_d173, 0x1_d17a],
  [0xe_0000, 0xe_0fff],
] as const

const usual = fc.constantFrom(' ', '\t', '\n', '\r', '\u00A0', '\u200B', '\u3164')
const others = invisibleRanges.map(([min, max]) =>
  fc.integer({ min, max }).map((point) => ({ text: String.fromCodePoint(point), isVisible: false })),
)
const invisible = fc.oneof(
  { weight: 1, arbitrary: usual.map((text) => ({ text, isVisible: false })) },
  { weight: 1, arbitrary: fc.oneof(...others) },
)
const visible = anyOf('a|Z|0|.|,|"|-|\'|=|é|\u0301|茶|ש|€|·|😀|\u{20000}').map((text) => ({ text, isVisible: true }))

/** Names of invisible characters, about half of them with a visible one somewhere. Which is which is known by construction. */
export const spelledNames: fc.Arbitrary<SpelledName> = fc
  .tuple(
    fc.array(invisible, { minLength: 1, maxLength: 20 }),
    fc.array(visible, { maxLength: 1 }),
    fc.array(invisible, { maxLength: 20 }),
  )
  .map((parts) => parts.flat())
  .map((characters) => ({
    name: characters.map(({ text }) => text).join(''),
    isVisible: characters.some((character) => character.isVisible),
  }))
