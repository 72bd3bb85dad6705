import { randomUUIDv7 } from 'node:crypto'

import { timeOf } from '../changes/set-ids.ts'

// UUIDv7s of Node have no order within a millisecond. Here 12 bits count (RFC 9562 §6.2, method 1) and overflow into the time.
export function risingIds(): () => string {
  let time = 0
  let count = 0
  let start = ''
  return () => {
    const now = Date.now()
    if (now > time) {
      time = now
      count = 0
    } else if (++count > 0xfff) {
      time = time + 1
      count = 0
    }
    if (count === 0)
      start = time
        .toString(16)
        .padStart(12, '0')
        .replace(/(.{8})/, '$1-')
    return `${start}-7${count.toString(16).padStart(3, '0')}${randomUUIDv7().slice(18)}`
  }
}

/** ISO 8601; null if the ID was not made here, or its year is beyond 9999. */
export function creationTime(id: string): string | null {
  const time = uuidV7.test(id) ? timeOf(id) : Infinity
  return time <= lastTime ? new Date(time).toISOString() : null
}

const uuidV7 = /^.{14}7.{4}[89ab]/
const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
