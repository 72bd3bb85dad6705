import type { Format } from './copy-stream.ts'

/** An object from id to item; with `expand`, each with its owner, whose name is a column of the rows after the others. */
export function jsonObject(expand: boolean): Format {
  return { start: '{', between: ',', end: '}\n', write: (rows) => members(rows, expand) }
}

/** An item a line (https://github.com/ndjson/ndjson-spec). */
export const ndjson: Format = { start: '', between: '', end: '', write: lines }

function members(rows: string, expand: boolean): string {
  const text = escape(rows)
  let json = ''
  let at = 0
  // To split the text into lines, and those into columns, takes twice as long.
  const nextColumn = (end: string) => text.slice(at, (at = text.indexOf(end, at) + 1) - 1)
  while (at < text.length) {
    const id = nextColumn('\t')
    if (json) json += ','
    json += `"${id}":{"id":"${id}","name":"${nextColumn('\t')}","category":"${nextColumn('\t')}"`
    json += `,"price_usd":${shortest(nextColumn('\t'))},"in_stock":${nextColumn('\t') === 't'}`
    const managerId = nextColumn(expand ? '\t' : '\n')
    json += `,"store_manager_id":"${managerId}"`
    json += expand ? `,"store_manager":{"id":"${managerId}","name":"${nextColumn('\n')}"}}` : '}'
  }
  return json
}

function lines(rows: string): string {
  const text = escape(rows)
  let json = ''
  let at = 0
  const nextColumn = (end: string) => text.slice(at, (at = text.indexOf(end, at) + 1) - 1)
  while (at < text.length) {
    json += `{"id":"${nextColumn('\t')}","name":"${nextColumn('\t')}","category":"${nextColumn('\t')}"`
    json += `,"price_usd":${shortest(nextColumn('\t'))},"in_stock":${nextColumn('\t') === 't'}`
    json += `,"store_manager_id":"${nextColumn('\n')}"}\n`
  }
  return json
}

/** COPY escapes as JSON does, but leaves quotes and most control characters alone and has a letter of its own for one. */
function escape(rows: string): string {
  const text = rows.replaceAll('"', '\\"')
  return controls.test(text) ? text.replaceAll(escapedOrControl, escapeOne) : text
}

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\0-\b\v-\x1f]|\\v/
// oxlint-disable-next-line no-control-regex -- as above
const escapedOrControl = /\\.|[\0-\b\v-\x1f]/g

function escapeOne(found: string): string {
  if (found === '\\v') return String.raw`\u000b`
  return found.startsWith('\\') ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** A number as JSON writes it: the same, unless it is long, or has an end that does not count. */
export function shortest(price: string): string {
  return price.length < 8 && !price.endsWith('0') ? price : String(Number(price))
}
