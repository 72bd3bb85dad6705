import type { ChangesQuery } from '../../../src/client/client.ts'
import { limitsOf } from '../overview/days.ts'

export const kinds = ['create', 'update', 'delete', 'import', 'bulk', 'undo', 'transfer'] as const
export type Kind = (typeof kinds)[number]

export const pageLength = 25

/** What the list shows, as it is in the URL. */
export interface ChangesPlace {
  /** `me`, or the ID of a manager. */
  manager: string | undefined
  kind: Kind | undefined
  /** Such as `2026-11-26`. */
  day: string | undefined
  after: string | undefined
  /** The only change set to show. */
  set: string | undefined
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Unknown and invalid values are ignored, because links may be old. */
export function parsePlace(search: string): ChangesPlace {
  const given = new URLSearchParams(search)
  const idOf = (name: string) => {
    const value = given.get(name) ?? ''
    return uuid.test(value) ? value.toLowerCase() : undefined
  }
  const day = given.get('day') ?? ''
  return {
    manager: given.get('manager') === 'me' ? 'me' : idOf('manager'),
    kind: kinds.find((kind) => kind === given.get('kind')),
    day: limitsOf(day) && day,
    after: idOf('after'),
    set: idOf('set'),
  }
}

/** The query of a URL, in a fixed order and without what is not set. */
export function toSearch(place: Partial<ChangesPlace>): string {
  const search = new URLSearchParams()
  for (const name of ['manager', 'kind', 'day', 'after', 'set'] as const) {
    const value = place[name]
    if (value !== undefined && value !== '') search.set(name, value)
  }
  return search.toString()
}

/** @param me the ID of the manager who is signed in */
export function toQuery({ manager, kind, day, after }: ChangesPlace, me: string): ChangesQuery {
  return {
    limit: pageLength,
    ...(manager !== undefined && { manager: manager === 'me' ? me : manager }),
    ...(kind !== undefined && { kind }),
    ...(day !== undefined && limitsOf(day)),
    ...(after !== undefined && { after }),
  }
}

export function hasFilters({ manager, kind, day }: ChangesPlace): boolean {
  return manager !== undefined || kind !== undefined || day !== undefined
}
