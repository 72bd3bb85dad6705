import { exactNumber } from './body-parsers.ts'

/** As much of a schema of query parameters as it takes to read them. */
export interface QuerySchema {
  properties: Record<string, { type?: string }>
  /** False where a parameter that is not known is refused rather than ignored. */
  additionalProperties?: boolean
}

/**
 * Gives the parameters of `query`, which come as text, the types of `schema`, in place: numbers and booleans as JSON writes
 * them, and lists, which may come as one value. What is written in any other way stays text, which the schema refuses.
 * Parameters that are not known go where they are ignored, and `_`, which only keeps caches away, goes everywhere.
 */
export function readQuery({ properties, additionalProperties }: QuerySchema, query: Record<string, unknown>): void {
  const isStrict = additionalProperties === false
  for (const [name, value] of Object.entries(query)) {
    if (Object.hasOwn(properties, name)) query[name] = read(value, properties[name]?.type)
    else if (!isStrict || name === '_') delete query[name]
  }
}

/** A number as JSON writes it. */
export const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/

function read(value: unknown, type = ''): unknown {
  if (type === 'array') return Array.isArray(value) ? value : [value]
  if (typeof value !== 'string') return value
  if (type === 'number' || type === 'integer') return jsonNumber.test(value) ? exactNumber(value) : value
  if (type === 'boolean') return value === 'true' || (value === 'false' ? false : value)
  return value
}
