import { createHash } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import { type Code, Problem } from '../problems.ts'
import { type Limit, tooMany } from './limits.ts'
import { network } from './networks.ts'

/** Who tries to log in: from which address, by which name. */
export interface Attempt {
  address: string
  username: string
}

export interface LoginLimit {
  /**
   * Runs `logIn` unless too many logins from this address have failed of late. Only those that are refused count.
   * Tells the client in the headers of `reply` how many more may fail.
   *
   * @throws Problem too_many_logins, and whatever `logIn` throws
   */
  guard<T>(attempt: Attempt, reply: FastifyReply, logIn: () => Promise<T>): Promise<T>
}

/** What a wrong password is answered with. */
const guesses = new Set<Code>(['invalid_credentials', 'wrong_password'])

/** What a failed login weighs on its address when the account is over its own limit. */
const weight = 10

/**
 * Limits the failed logins of an address, and those of an account wherever they come from.
 *
 * Over its limit an account is not closed, or any stranger could lock its owner out: a right password still gets in from an
 * address that is not limited itself. But a wrong one, answered 429, weighs ten times on its address, so that each of many
 * addresses that guess together has a tenth of the tries. An account that nobody has is counted as well, so that
 * the answer does not tell which there are.
 */
export function openLoginLimit(perAddress: Limit | undefined, perAccount: Limit | undefined): LoginLimit {
  return {
    async guard({ address, username }, reply, logIn) {
      const count = async (points: number) => {
        const standing = await perAddress?.count(network(address), points)
        reply.headers(standing?.headers ?? {})
        return standing
      }
      // Counted first and given back, or many at once would all be let in.
      const standing = await count(1)
      if (standing?.exceeded) throw tooMany('logins', 'Too many logins have failed from this address', standing)
      try {
        const result = await logIn()
        await count(-1)
        return result
      } catch (error) {
        if (!(error instanceof Problem) || !guesses.has(error.code)) {
          await count(-1)
          throw error
        }
        const attacked = await perAccount?.count(account(username))
        if (!attacked?.exceeded) throw error
        await count(weight - 1)
        throw tooMany('logins', 'The e-mail address or the password is wrong, as it was too often of late', attacked)
      }
    },
  }
}

/** The key of an account, which keeps its e-mail address out of Redis. */
function account(username: string): string {
  // Addresses are ASCII; what PostgreSQL's lower() may take for it, such as İ for i, must not make a key of its own.
  const folded = username.toLowerCase().replaceAll(/[^ -~]/g, '')
  return createHash('sha256').update(folded).digest('base64url')
}
