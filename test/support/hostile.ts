import { METHODS } from 'node:http'

import * as fc from 'fast-check'

import { anyOf, arbitraryOf, type Components, resolve, troublesomeNames, troublesomeTexts } from './arbitraries.ts'
import { bytes, legible, payloadsFor } from './bodies.ts'
import type { Operation, Parameter } from './document.ts'
import { integerTexts, numberTexts, wrongIntegers, wrongNumberTexts } from './queries.ts'

/** Who sends a request: a client without a token, or with a token of that kind. */
export const senders = ['owner', 'other', 'logged out', 'gone', 'forged', 'anonymous'] as const
export type Sender = (typeof senders)[number]

export interface HostileRequest {
  method: string
  url: string
  sender: Sender
  headers: Record<string, string>
  payload: Buffer | undefined
}

/** What exists for requests to find. */
export interface Targets {
  itemId: string
  changeId: string
  /** Of the feed. */
  cursor: string
}

/** Requests to the documented operations, whose every part may be anything. */
export function hostileRequests(
  operations: Operation[],
  components: Components,
  targets: Targets,
): fc.Arbitrary<HostileRequest> {
  const known = typesOf(operations)
  const each = operations.map(({ method, path, body, types, parameters }) => {
    const query = fc.oneof(queries, queriesOf(parameters, components, targets))
    const end = fc.tuple(fc.constantFrom('', '', '/'), query).map((parts) => parts.join(''))
    return fc.record({
      method: method === 'GET' ? fc.constantFrom('GET', 'GET', 'HEAD') : fc.constant(method),
      url: fc
        .tuple(urls(path, path.startsWith('/changes') ? targets.changeId : targets.itemId), end)
        .map((parts) => parts.join('')),
      sender,
      headers: fc.tuple(declared(types, known), headers).map((parts) => Object.assign({}, ...parts)),
      payload: payloadsFor(body, components),
    })
  })
  return fc.oneof(...each)
}

export type Body = Pick<HostileRequest, 'headers' | 'payload'>

/** Bodies that are missing, empty, or of another operation, in media types of any operation, of none, or without one. */
export function strayBodies(operations: Operation[]): fc.Arbitrary<Body> {
  const type = fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: fc.record({ 'content-type': fc.constantFrom(...typesOf(operations)) }) },
    { weight: 1, arbitrary: fc.record({ 'content-type': types }) },
  )
  const framing = fc.constantFrom({}, {}, { 'content-length': '0' }, { 'transfer-encoding': 'chunked' })
  const empty = fc.tuple(type, framing).map((parts) => ({ headers: Object.assign({}, ...parts), payload: undefined }))
  const payload = anyOf('{}|[]|null|{"change":"delete"}|username=a|name,price_usd\nTea,1\n|{"name":"Tea"}\n|\0|')
  const filled = fc.record({ headers: type, payload: payload.map((text) => legible(Buffer.from(text))) })
  return fc.oneof({ weight: 2, arbitrary: empty }, { weight: 1, arbitrary: filled })
}

function typesOf(operations: Operation[]): string[] {
  return [...new Set(operations.flatMap((operation) => operation.types))]
}

/** The header that declares one of `expected`, or else one of `known`, unless it is missing. */
function declared(expected: string[], known: string[]): fc.Arbitrary<Record<string, string>> {
  const header = (type: string) => ({ 'content-type': type })
  const right = expected.length > 0 ? fc.constantFrom(...expected.map(header)) : fc.constant({})
  return fc.oneof(
    { weight: 4, arbitrary: right },
    { weight: 1, arbitrary: fc.constant({}) },
    { weight: 2, arbitrary: fc.constantFrom(...known.map(header)) },
  )
}

/** Requests by any method to any path, which the document may know or not. */
export function strayRequests(operations: Operation[]): fc.Arbitrary<HostileRequest> {
  const known = fc.constantFrom(...operations.map(({ path }) => path), '/', '/scalar', '/openapi.json')
  const path = fc.oneof(
    known,
    fc.tuple(known, segments).map(([start, end]) => `${start}/${end}`),
    paths,
  )
  const url = fc.tuple(path, queries).map((parts) => parts.join(''))
  // Node closes the connection of a CONNECT itself.
  const method = fc.constantFrom(...METHODS.filter((name) => name !== 'CONNECT'))
  return fc.record({ method, url, sender, headers, payload: fc.option(bytes, { nil: undefined }) })
}

const sender = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Sender>('owner') },
  { weight: 2, arbitrary: fc.constantFrom(...senders) },
)

const encoded = fc.oneof(
  fc.string({ unit: 'binary' }).map(encodeURIComponent),
  fc.constantFrom(...troublesomeNames, ...troublesomeTexts).map(encodeURIComponent),
)

/** Path segments: encoded text, and what is none. */
const segments = fc.oneof(
  encoded,
  fc.uint8Array({ minLength: 1, maxLength: 20 }).map((octets) => `%${[...octets].map(hex).join('%')}`),
  anyOf('%|%zz|%00|%c0%ae|%2F|%252F|%3F|%23|..|.|...|;a=1|:id|*|~|😀|{id}|[object Object]|null|1|token|logout|items'),
  fc.integer({ min: 1, max: 8_000 }).map((length) => 'a'.repeat(length)),
)

const paths = fc.array(segments, { maxLength: 4 }).map((each) => `/${each.join('/')}`)

/** The `parameters` of an operation, some of them, with values of their types, or almost. */
function queriesOf(parameters: Parameter[], components: Components, targets: Targets): fc.Arbitrary<string> {
  const each = parameters.map((parameter) => {
    const pair = valuesOf(parameter, components, targets).map((text) => `${parameter.name}=${encodeURIComponent(text)}`)
    return fc.option(pair, { freq: parameter.required ? 20 : 2, nil: undefined })
  })
  return fc.tuple(...each).map((pairs) => `?${pairs.filter((pair) => pair !== undefined).join('&')}`)
}

function valuesOf({ name, schema }: Parameter, components: Components, targets: Targets): fc.Arbitrary<string> {
  const { type, items = {}, format } = resolve(schema, components)
  if (type === 'integer') return fc.oneof(integerTexts(name, schema), wrongIntegers(schema), wrongNumberTexts)
  const right = arbitraryOf(type === 'array' ? items : schema, components).map(String)
  const known = format === 'uuid' ? [targets.itemId, targets.changeId] : cursorsFrom(targets.cursor)
  return fc.oneof(
    { weight: 4, arbitrary: right },
    { weight: 2, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: type === 'number' ? fc.oneof(numberTexts, wrongNumberTexts) : fc.string() },
  )
}

/** Also past the last change and the last version. */
function cursorsFrom(cursor: string): string[] {
  const far = '9'.repeat(15)
  return [cursor, cursor.replace('c', 'i'), cursor.replace(/\d+$/, far), cursor.replace(/\.\d+\./, `.${far}.`)]
}

function urls(path: string, itemId: string): fc.Arbitrary<string> {
  const right = fc.constantFrom(itemId, itemId.toUpperCase())
  const almost = fc.constantFrom(`${itemId}0`, itemId.slice(1), `%20${itemId}`, `${itemId}%00`, `urn:uuid:${itemId}`)
  const id = fc.oneof({ weight: 2, arbitrary: right }, fc.uuid(), almost, segments)
  return path.includes('{') ? id.map((each) => path.replace(/\{.*?\}/, () => each)) : fc.constant(path)
}

const queries = fc.oneof(
  {
    weight: 4,
    arbitrary: anyOf('|?|?expand=store_manager|?expand=x|?expand=|?expand|?expand[a]=b|?%|?__proto__=1|?&=&'),
  },
  { weight: 1, arbitrary: fc.constant('?expand=store_manager&expand=store_manager') },
  {
    weight: 4,
    arbitrary: fc
      .array(
        fc.tuple(
          anyOf('limit|after|category|in_stock|store_manager_id|min_price|max_price|q|sort|count|format|safe'),
          fc.oneof(
            anyOf(
              '1|0|1e3|0x10|Infinity|1000|Pet|true|me|-name|name|price_usd|exact|estimated|csv|ndjson|json|spreadsheet',
            ),
            encoded,
          ),
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((pairs) => `?${pairs.map((pair) => pair.join('=')).join('&')}`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(anyOf('limit|min_price|max_price|in_stock'), fc.oneof(numberTexts, wrongNumberTexts))
      .map(([name, text]) => `?${name}=${encodeURIComponent(text)}`),
  },
  { weight: 1, arbitrary: fc.tuple(encoded, encoded).map(([name, value]) => `?${name}=${value}`) },
  { weight: 1, arbitrary: fc.webQueryParameters().map((query) => `?${query}`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(anyOf('create|upsert|x'), anyOf('stop|skip|skip|x'), anyOf('true|false|false|1'))
      .map(([mode, onError, dryRun]) => `?mode=${mode}&on_error=${onError}&dry_run=${dryRun}`),
  },
)

// What Node's parser lets pass in a header: tab, printable ASCII, and bytes beyond it.
const headerText = fc.string({ unit: fc.oneof(range(0x20, 0x7e), range(0x80, 0xff), fc.constant('\t')) })

const types = anyOf(
  'application/json|application/json; charset=utf-8|application/json;charset=utf-16|APPLICATION/JSON|application/json;|' +
    'application/json, text/plain|application/ld+json|application/problem+json|text/plain|json|*/*|/|;| ||' +
    'text/csv|text/csv; header=absent|application/x-ndjson|application/x-ndjson;charset=latin1|' +
    'application/x-www-form-urlencoded|application/x-www-form-urlencoded; charset=latin1|' +
    'multipart/form-data|multipart/form-data; boundary=|multipart/form-data; boundary=x',
)

const credentials = anyOf(
  'Bearer|Bearer |Bearer a b|Bearer a.b.c|Bearer ..|Bearer \xe9|bearer\tx|JWT x|Basic YTpi|Bearer null|' +
    'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.|Digest username="x"|Bearer a, Bearer b',
)

const entityTags = anyOf('*|"1"|"2"|W/"1"|"1", "2"|, "1",|"x"|""|1|"1|W/*|"99999999999999999999"|')

const keys = anyOf(`a|"a"|a b|"a b"|"\\\\"|"\\"|"a|""||a,a|a;b=1|${'a'.repeat(255)}|${'a'.repeat(256)}`)

const headers = fc
  .record({
    'content-type': fc.oneof(types, headerText),
    authorization: fc.oneof(credentials, headerText),
    accept: fc.oneof(anyOf('*/*|text/html|application/xml|application/json;q=0'), headerText),
    'x-request-id': fc.oneof(anyOf(`|abc-1|{}|<script>|${'a'.repeat(65)}`), headerText),
    host: fc.oneof(anyOf('|example.com:99999|[::1]|a;b|../../|evil.example'), headerText),
    'content-encoding': anyOf('gzip|br|identity|junk'),
    'accept-encoding': headerText,
    'accept-version': anyOf('1.0.0|*|junk'),
    'x-http-method-override': anyOf('DELETE|junk'),
    'x-forwarded-for': headerText,
    cookie: headerText,
    range: anyOf('bytes=0-1|bytes=5-1|junk'),
    'if-none-match': fc.oneof(entityTags, headerText),
    'if-match': fc.oneof(entityTags, headerText),
    'idempotency-key': fc.oneof(keys, headerText),
    'last-event-id': fc.oneof(anyOf('now|beginning|c.0.0.0.0|'), headerText),
  })
  .chain((all) => fc.subarray(Object.entries(all), { maxLength: 3 }))
  .map((some) => Object.fromEntries(some) as Record<string, string>)

function range(min: number, max: number): fc.Arbitrary<string> {
  return fc.integer({ min, max }).map((code) => String.fromCharCode(code))
}

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0')
}
