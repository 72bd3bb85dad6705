import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'

import bcrypt from 'bcrypt'

import { openGate } from '../gate.ts'

export interface Passwords {
  hash(password: string): Promise<string>
  /**
   * Whether `hash` is of `password`, and whether it should be made anew because its cost is another one by now.
   * Without a hash (nobody has that e-mail) it takes as long, and is never right.
   */
  verify(password: string, hash: string | undefined): Promise<{ right: boolean; outdated: boolean }>
}

/** bcrypt ignores what follows these bytes. */
const bcryptReads = 72

/**
 * Passwords as bcrypt hashes of 2^`cost` rounds.
 * A hash keeps a core busy, so one core stays free: without a limit a flood of logins took reads from 17,000/s to 5,000/s.
 * Both methods throw Problem too_busy when more are asked for than can be had in 15 seconds.
 */
export function openPasswords(cost: number): Passwords {
  const cores = Math.max(1, availableParallelism() - 1)
  const gate = openGate({ places: cores, queue: 64 * cores, patience: 15_000 })
  const hash = (password: string, rounds = cost) => gate.run(() => bcrypt.hash(digest(password), rounds))
  const compare = (password: string | Buffer, hashed: string) => gate.run(() => bcrypt.compare(password, hashed))
  const nobody = hash('nobody has this password')
  nobody.catch(() => {})

  return {
    hash,
    async verify(password, known) {
      const hashed = known ?? (await nobody)
      let right = await compare(digest(password), hashed)
      let outdated = bcrypt.getRounds(hashed) !== cost
      const bytes = Buffer.from(password)
      if (!right && bytes.length >= bcryptReads) {
        // A hash of the original service is of the first 72 bytes; hashing it anew would fix whatever follows them.
        right = await compare(bytes.subarray(0, bcryptReads), hashed)
        outdated &&= !right
      }
      if (!right) await spend(bcrypt.getRounds(hashed))
      return { right: right && known !== undefined, outdated }
    },
  }

  /** Makes up for a hash that was cheaper than `cost`: 2^c + 2^c + 2^(c+1) + … + 2^(cost-1) is 2^cost. */
  async function spend(rounds: number): Promise<void> {
    for (let extra = rounds; extra < cost; extra++) await hash('', extra)
  }
}

/**
 * What bcrypt is given: the password, or base64(SHA-384) of one that is longer than it reads. One of exactly that length
 * counts as longer, or its hash could not be told from one of the original, of a longer password cut off there.
 */
function digest(password: string): string {
  if (Buffer.byteLength(password) < bcryptReads) return password
  return createHash('sha384').update(password).digest('base64')
}
