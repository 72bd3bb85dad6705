import { defaultLimit, type ListQuery } from '../query/schemas.ts'

/** The value of `Link` (RFC 8288) for a page of `query`. Relative, for a client may say anything as Host. */
export function links(query: ListQuery, next: string | undefined): string {
  const first = `<${target(query)}>; rel="first"`
  return next === undefined ? first : `<${target(query, next)}>; rel="next", ${first}`
}

/** It names a limit in any case, or the first page of all items would be the list of everything. */
function target(query: ListQuery, next?: string): string {
  const { limit = defaultLimit, category = [], after: _, ...others } = query
  const parameters = new URLSearchParams({ limit: String(limit) })
  for (const each of new Set(category)) parameters.append('category', each)
  for (const [name, value] of Object.entries(others)) parameters.set(name, String(value))
  if (next !== undefined) parameters.set('after', next)
  return `/items?${parameters.toString()}`
}
