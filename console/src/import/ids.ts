const poolSize = 8 * 1024
const lastOfMillisecond = 0xfff

// Of all files: the items of a later one come after those of an earlier one, also within a second.
let milliseconds = 0
let count = -1

/**
 * Rising UUIDv7s, which the service keeps: a file that is sent again after a lost response creates nothing twice. The 12
 * bits after the time count (RFC 9562, 6.2, method 1). `crypto.randomUUID` is missing on plain HTTP.
 * @param time milliseconds since 1970, in whole seconds, by the clock of the service, which refuses IDs from the future
 */
export function risingIds(time: number): () => string {
  const pool = new Uint8Array(poolSize)
  let used = poolSize
  if (milliseconds < time || milliseconds >= time + 1000) {
    milliseconds = time
    count = -1
  }
  return () => {
    if (count === lastOfMillisecond) {
      milliseconds++
      count = -1
    }
    count++
    if (used === poolSize) {
      crypto.getRandomValues(pool)
      used = 0
    }
    const random = hexOf(pool.subarray(used, (used += 8)))
    const start = milliseconds.toString(16).padStart(12, '0')
    const variant = ((Number.parseInt(random.charAt(0), 16) & 3) | 8).toString(16)
    const rest = `${variant}${random.slice(1, 4)}-${random.slice(4)}`
    return `${start.slice(0, 8)}-${start.slice(8)}-7${count.toString(16).padStart(3, '0')}-${rest}`
  }
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hexOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += hex[byte]
  return text
}
