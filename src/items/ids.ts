import { randomUUIDv7 } from 'node:crypto'

/**
 * Makes UUIDv7s of which each is greater than the one before. Those of Node are in no order within a millisecond;
 * here the 12 bits after the time count (RFC 9562 §6.2, method 1), and run ahead of the clock when they are used up.
 */
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
