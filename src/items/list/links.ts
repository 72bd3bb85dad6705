import { defaultLimit, type ListQuery } from '../query/schemas.ts'

/** RFC 8288. Relative, because a client may send anything as Host. */
export function links(path: string, query: ListQuery, next: string | undefined): string {
  const first = `<${target(path, query)}>; rel="first"`
  return next === undefined ? first : `<${target(path, query, next)}>; rel="next", ${first}`
}

/** Always with a limit, without which the first page of all items would be the list of everything. */
function target(path: string, query: ListQuery, next?: string): string {
  const { limit = defaultLimit, after: _, ...others } = query
  const parameters = new URLSearchParams({ limit: String(limit) })
  for (const [name, value] of Object.entries(others)) {
    for (const each of new Set([value].flat())) parameters.append(name, String(each))
  }
  if (next !== undefined) parameters.set('after', next)
  return `${path}?${parameters.toString()}`
}
