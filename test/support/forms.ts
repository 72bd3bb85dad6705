import * as fc from 'fast-check'

import { anyOf, type Components, type Fields, objectsOf, texts, troublesomeNames } from './arbitraries.ts'
import { bytes, legible, splice } from './bodies.ts'

export interface Form {
  type: string
  payload: Buffer
}

/** One field of a form; of a file, which only multipart has, the name is given too. */
interface Part {
  name: string
  value: string
  file?: string | undefined
}

export type Encoding = 'urlencoded' | 'multipart'
export const encodings: Encoding[] = ['urlencoded', 'multipart']

/** A form as browsers send it. */
export function encodeForm(parts: Part[], encoding: Encoding, boundary = '----stockroom-5f2c8e4b6a70'): Form {
  if (encoding === 'urlencoded') {
    const pairs = parts.map(({ name, value }): [string, string] => [name, value])
    const payload = Buffer.from(new URLSearchParams(pairs).toString())
    return { type: 'application/x-www-form-urlencoded', payload }
  }
  const encoded = parts.map(({ name, value, file }) => {
    const disposition = `form-data; name="${quote(name)}"${file === undefined ? '' : `; filename="${quote(file)}"`}`
    return `--${boundary}\r\nContent-Disposition: ${disposition}\r\n\r\n${value}\r\n`
  })
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    payload: Buffer.from(`${encoded.join('')}--${boundary}--\r\n`),
  }
}

/** The fields of `form`, among others that it does not know. */
export function partsOf(form: Fields): fc.Arbitrary<Part[]> {
  const known = Object.entries(form).map(([name, value]) => ({ name, value: String(value) }))
  const name = fc.oneof(
    fc.constantFrom(...troublesomeNames),
    texts({ minLength: 1, maxLength: 20, pattern: '^[^\\0]*$' }),
  )
  const extra = fc.record({ name: name.filter((each) => !(each in form) && each !== 'grant_type'), value: texts({}) })
  return fc.array(extra, { maxLength: 3 }).chain((extras) => {
    const all = [...known, ...extras]
    return fc.shuffledSubarray(all, { minLength: all.length })
  })
}

/** Forms that are none, or almost: fields twice, files, bytes that do not belong there, boundaries that do not match. */
export function hostileForms(login: { $ref: string }, components: Components): fc.Arbitrary<Form> {
  const name = fc.constantFrom('username', 'password', 'grant_type', 'scope', 'client_id', ...troublesomeNames)
  const part = fc.record({ name, value: texts({}), file: fc.option(texts({ maxLength: 20 }), { nil: undefined }) })
  const parts = fc
    .tuple(objectsOf(login, components).chain(partsOf), fc.array(part, { maxLength: 4 }))
    .map((both) => both.flat())
  const boundary = anyOf(`x|-|"|| |a b|=|--|\r\n|x; charset=utf-8|é|${'b'.repeat(300)}`)
  const usual = fc.tuple(parts, fc.constantFrom(...encodings)).map((all) => encodeForm(...all))
  const odd = fc.tuple(parts, fc.constant<Encoding>('multipart'), boundary).map((all) => encodeForm(...all))
  const encoded = fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: odd })
  const type = anyOf(
    'multipart/form-data|multipart/form-data; boundary=|multipart/form-data; boundary="|multipart/form-data;|' +
      'multipart/form-data; boundary=x; boundary=y|multipart/form-data; Boundary=x|MULTIPART/FORM-DATA; boundary=x|' +
      'application/x-www-form-urlencoded; charset=utf-16|application/x-www-form-urlencoded;|multipart/mixed; boundary=x',
  )
  const mistyped = fc.tuple(encoded, type).map(([{ payload }, other]) => ({ type: other, payload }))
  const spliced = fc
    .tuple(encoded, bytes, fc.nat(), fc.nat({ max: 30 }))
    .map(([{ type: of, payload }, ...cut]) => ({ type: of, payload: splice([payload, ...cut]) }))
  const noise = fc.record({ type: fc.oneof(type, fc.constant('multipart/form-data; boundary=x')), payload: bytes })
  return fc
    .oneof(encoded, mistyped, spliced, noise)
    .map(({ type: of, payload }) => ({ type: of, payload: legible(payload) }))
}

function quote(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
}
