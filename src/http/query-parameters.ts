import { exactNumber } from './body-parsers.ts'

export interface QuerySchema {
  properties: Record<string, { type?: string }>
  additionalProperties?: boolean
}

// Converts query parameters to the types of `schema`, in place. What is not written as in JSON stays text, which the schema
// rejects. Unknown parameters are removed unless the schema rejects them; `_`, a cache buster, always is.
export function readQuery({ properties, additionalProperties }: QuerySchema, query: Record<string, unknown>): void {
  const isStrict = additionalProperties === false
  for (const [name, value] of Object.entries(query)) {
    if (Object.hasOwn(properties, name)) query[name] = read(value, properties[name]?.type)
    else if (!isStrict || name === '_') delete query[name]
  }
}

export const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/

function read(value: unknown, type = ''): unknown {
  if (type === 'array') return Array.isArray(value) ? value : [value]
  if (typeof value !== 'string') return value
  if (type === 'number' || type === 'integer') return jsonNumber.test(value) ? exactNumber(value) : value
  if (type === 'boolean') return value === 'true' || (value === 'false' ? false : value)
  return value
}
