import { createHash, randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'

import bcrypt from 'bcrypt'

import { openSemaphore } from '../concurrency/semaphore.ts'
import { normalized } from '../http/unicode.ts'
import { openMetrics } from '../observability/metrics/metrics.ts'
import { type Observability, watchSemaphore } from '../observability/metrics/watch.ts'

export interface HashCaller {
  party?: string
  signal?: AbortSignal
}

export interface Passwords {
  hash(password: string, caller?: HashCaller): Promise<string>
  verify(password: string, check: Check): Promise<{ matches: boolean; needsRehash: boolean }>
}

export interface Check extends HashCaller {
  /** Undefined if the account does not exist: the check takes as long, and never matches. */
  hash: string | undefined
  /** The highest cost of any stored hash, at most `maxCost`. A wrong password takes as long as for a hash of that cost. */
  highestCost?: number
}

/** bcrypt ignores the bytes after these. */
const bcryptMaxBytes = 72

export const maxCost = 16

/** Up to `maxCost`, because one of 31 takes hours. Others match no password, and take as long as none, such as `!`, which locks. */
const bcryptHash = /^\$2[aby]?\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/

// A bcrypt hash keeps a core busy, so one core stays free: without a limit a flood of logins took reads from 17,000/s to 5,000/s.
export function openPasswords(
  cost: number,
  { metrics, tracer }: Observability = { metrics: openMetrics(), tracer: undefined },
): Passwords {
  const help = 'Time to hash or check a password, without its wait.'
  const durations = metrics.histogram('stockroom_password_hash_seconds', help, [0.1, 0.25, 0.5, 1, 2.5])
  const observed =
    <Result>(work: () => Promise<Result>) =>
    async () => {
      const begunAt = performance.now()
      try {
        return await (tracer?.run('bcrypt', work) ?? work())
      } finally {
        durations.observe((performance.now() - begunAt) / 1_000)
      }
    }
  const cores = Math.max(1, availableParallelism() - 1)
  const semaphore = openSemaphore({ permits: cores, maxQueue: 64 * cores, timeout: 15_000 })
  watchSemaphore(metrics, 'passwords', semaphore)
  const dummyHash = semaphore.run(() => bcrypt.hash(randomBytes(32).toString('base64'), cost))
  dummyHash.catch(() => {})

  return {
    hash: (password, { party, signal } = {}) =>
      semaphore.run(
        observed(() => bcrypt.hash(digest(normalized(password, 'NFKC')), cost)),
        party,
        signal,
      ),

    async verify(password, { hash: known, highestCost = cost, party, signal }) {
      const isReadable = known !== undefined && bcryptHash.test(known)
      // PHP's name of the same algorithm, which the package does not know.
      const hashed = isReadable ? known.replace('$2y$', '$2b$') : await dummyHash
      const targetCost = Math.max(cost, highestCost)
      const rounds = bcrypt.getRounds(hashed)
      const compare = async () => {
        for (const { plain, isOutdated } of candidates(password)) {
          const matches = await bcrypt.compare(plain, hashed)
          if (matches) return { matches: isReadable, needsRehash: isOutdated ?? rounds !== cost }
          await equalizeCost(rounds, targetCost)
        }
        return { matches: false, needsRehash: false }
      }
      // With a single permit: otherwise, under load, the time would reveal the number of hashes.
      return semaphore.run(observed(compare), party, signal)
    },
  }
}

/** Adds the time that a hash of cost `targetCost` takes longer: 2^c + 2^c + 2^(c+1) + … + 2^(effort-1) is 2^targetCost. */
async function equalizeCost(rounds: number, targetCost: number): Promise<void> {
  for (let extra = rounds; extra < targetCost; extra++) await bcrypt.hash('', extra)
}

interface Candidate {
  plain: string | Buffer
  isOutdated?: boolean
}

/** How many candidates there are depends only on the password, never on the account. */
function candidates(password: string): Candidate[] {
  const normal = normalized(password, 'NFKC')
  const bytes = Buffer.from(password)
  return [
    { plain: digest(normal) },
    // Earlier versions hashed passwords without normalizing them.
    ...(normal === password ? [] : [{ plain: digest(password), isOutdated: true }]),
    // The original service hashed the first 72 bytes. Replacing its hash would fix the bytes after them as typed this once.
    ...(bytes.length < bcryptMaxBytes ? [] : [{ plain: bytes.subarray(0, bcryptMaxBytes), isOutdated: false }]),
  ]
}

// A password as long as bcrypt reads, or longer, is hashed with SHA-384 first. At exactly that length its hash could be taken
// for one of the original service, of a longer password cut off there.
function digest(password: string): string {
  if (Buffer.byteLength(password) < bcryptMaxBytes) return password
  return createHash('sha384').update(password).digest('base64')
}
