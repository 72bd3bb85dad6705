import { creationTime } from '../ids.ts'
import { type Expansion, expansions } from '../schemas.ts'
import type { Format } from './copy-stream.ts'

export function jsonObject(expand: readonly Expansion[]): Format {
  const added = expansions.filter((expansion) => expand.includes(expansion))
  return { start: '{', between: ',', end: '}\n', write: (rows) => members(rows, added) }
}

export const ndjson: Format = { start: '', between: '', end: '', write: lines }

function members(rows: string, added: Expansion[]): string {
  const text = escape(rows)
  let json = ''
  let at = 0
  // Splitting the text into lines, and those into columns, takes twice as long.
  const nextColumn = (end: string) => text.slice(at, (at = text.indexOf(end, at) + 1) - 1)
  const last = added.at(-1)
  const endOf = (column: Expansion) => (column === last ? '\n' : '\t')
  while (at < text.length) {
    const id = nextColumn('\t')
    if (json) json += ','
    json += `"${id}":{"id":"${id}","name":"${nextColumn('\t')}","category":"${nextColumn('\t')}"`
    json += `,"price_usd":${shortest(nextColumn('\t'))},"in_stock":${nextColumn('\t') === 't'}`
    const managerId = nextColumn(last === undefined ? '\n' : '\t')
    json += `,"store_manager_id":"${managerId}"`
    for (const column of added) {
      if (column === 'store_manager')
        json += `,"store_manager":{"id":"${managerId}","name":"${nextColumn(endOf(column))}"}`
      else if (column === 'dates') json += `,${dates(id, nextColumn('\t'), nextColumn(endOf(column)))}`
      else json += `,"version":${nextColumn(endOf(column))}`
    }
    json += '}'
  }
  return json
}

function dates(id: string, createdAt: string, updatedAt: string): string {
  const known = createdAt === copyNull ? creationTime(id) : createdAt
  return `"created_at":${known === null ? 'null' : `"${known}"`},"updated_at":"${updatedAt}"`
}

const copyNull = String.raw`\N`

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

/** COPY escapes like JSON, except for quotes, most control characters, and \v. */
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

/** A number as JSON.stringify writes it. Short ones without trailing zeros are the same. */
export function shortest(price: string): string {
  return price.length < 8 && !price.endsWith('0') ? price : String(Number(price))
}
