import { createHash, randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'

import bcrypt from 'bcrypt'

import { openSemaphore } from '../concurrency/semaphore.ts'

/** For whom a hash is computed. */
export interface HashCaller {
  /** Such as their network: each gets a fair share. */
  party?: string
  /** Aborted when the hash is no longer wanted. */
  signal?: AbortSignal
}

export interface Passwords {
  hash(password: string, caller?: HashCaller): Promise<string>
  /** Whether a hash is of `password`, and whether it should be replaced by one as they are made today. */
  verify(password: string, check: Check): Promise<{ matches: boolean; needsRehash: boolean }>
}

export interface Check extends HashCaller {
  /** Without one (no account has that e-mail address) it takes as long, and is never right. */
  hash: string | undefined
  /** The highest cost of any hash that `hash` could be. A wrong password takes as long as for one of that cost. */
  highestCost?: number
}

/** bcrypt ignores what follows these bytes. */
const bcryptReads = 72

/** The highest cost that BCRYPT_COST allows. */
const maxCost = 16

/**
 * Passwords as bcrypt hashes of 2^`cost` rounds.
 * A hash keeps a core busy, so one core stays free: without a limit a flood of logins took reads from 17,000/s to 5,000/s.
 * Both methods throw Problem too_busy when more are asked for than can be had in 15 seconds, and the reason of an aborted signal.
 */
export function openPasswords(cost: number): Passwords {
  const cores = Math.max(1, availableParallelism() - 1)
  const gate = openSemaphore({ permits: cores, maxQueue: 64 * cores, timeout: 15_000 })
  const nobody = gate.run(() => bcrypt.hash(randomBytes(32).toString('base64'), cost))
  nobody.catch(() => {})

  return {
    hash: (password, { party, signal } = {}) =>
      gate.run(() => bcrypt.hash(digest(password.normalize('NFKC')), cost), party, signal),

    async verify(password, { hash: known, highestCost = cost, party, signal }) {
      const hashed = known ?? (await nobody)
      const effort = Math.max(cost, Math.min(highestCost, maxCost))
      const rounds = bcrypt.getRounds(hashed)
      const compare = async () => {
        for (const { plain, isOutdated } of candidates(password)) {
          const matches = await bcrypt.compare(plain, hashed)
          if (matches) return { matches: known !== undefined, needsRehash: isOutdated ?? rounds !== cost }
          await spend(rounds, effort)
        }
        return { matches: false, needsRehash: false }
      }
      // In one place of the gate, or under load the time would tell how many hashes it takes.
      return gate.run(compare, party, signal)
    },
  }
}

/** Makes up for a hash that was cheaper than `effort`: 2^c + 2^c + 2^(c+1) + … + 2^(effort-1) is 2^effort. */
async function spend(rounds: number, effort: number): Promise<void> {
  for (let extra = rounds; extra < effort; extra++) await bcrypt.hash('', extra)
}

interface Candidate {
  plain: string | Buffer
  /** Undefined: if its cost is another one by now. */
  isOutdated?: boolean
}

/** What `password` may have been hashed as. How many depends on the password alone, never on whose it is. */
function candidates(password: string): Candidate[] {
  const normal = password.normalize('NFKC')
  const bytes = Buffer.from(password)
  return [
    { plain: digest(normal) },
    // Before passwords were normalized they were hashed as they were typed.
    ...(normal === password ? [] : [{ plain: digest(password), isOutdated: true }]),
    // A hash of the original service is of the first 72 bytes; replacing it would fix what follows them as typed this once.
    ...(bytes.length < bcryptReads ? [] : [{ plain: bytes.subarray(0, bcryptReads), isOutdated: false }]),
  ]
}

/**
 * What bcrypt is given: the password, or base64(SHA-384) of one that is longer than it reads. One of exactly that length
 * counts as longer, or its hash could not be told from one of the original, of a longer password cut off there.
 */
function digest(password: string): string {
  if (Buffer.byteLength(password) < bcryptReads) return password
  return createHash('sha384').update(password).digest('base64')
}
