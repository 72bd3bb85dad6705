import type { ChangeSet } from '../../../src/client/client.ts'

export const shownDays = 30

export interface Day {
  /** Such as `2026-11-26`, in the time zone of the browser. */
  day: string
  changes: number
}

/** The changes of each of the last 30 days, the oldest first. */
export function countDays(sets: Pick<ChangeSet, 'at'>[], now: Date): Day[] {
  const counts = new Map(lastDays(now).map((day) => [day, 0]))
  for (const { at } of sets) {
    const day = dayOf(new Date(at))
    const count = counts.get(day)
    if (count !== undefined) counts.set(day, count + 1)
  }
  return [...counts].map(([day, changes]) => ({ day, changes }))
}

/** When the first of the last 30 days began. */
export function firstDay(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - shownDays + 1)
}

/** When a day such as `2026-11-26` begins and ends; undefined if there is no such day. */
export function limitsOf(day: string): { since: string; until: string } | undefined {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day) ?? []
  const start = new Date(Number(year), Number(month) - 1, Number(date))
  if (year === undefined || dayOf(start) !== day) return undefined
  const end = new Date(start.getFullYear(), start.getMonth(), start.getDate() + 1)
  return { since: start.toISOString(), until: end.toISOString() }
}

export function dayOf(time: Date): string {
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`
}

function pad(part: number): string {
  return String(part).padStart(2, '0')
}

function lastDays(now: Date): string[] {
  const first = firstDay(now)
  const later = (days: number) => new Date(first.getFullYear(), first.getMonth(), first.getDate() + days)
  return Array.from({ length: shownDays }, (_, index) => dayOf(later(index)))
}
