// The attackers of a fault, which `arena.ts` starts.
import { constants, setPriority } from 'node:os'

import type { Order } from './arena.ts'
import { attacks } from './attacks.ts'

/** Until the parent disconnects, or ends. */
async function carryOut({ name, target, clients }: Order): Promise<void> {
  const known = attacks.find((one) => one.name === name)
  if (known === undefined) throw new Error(`there is no attack ${name}`)
  const over = new AbortController()
  process.once('disconnect', () => over.abort())
  process.send?.('begun')
  await known.attack(target, clients, over.signal)
}

// Attackers have processors of their own, but here they share those of the service.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
process.once('message', (order) => void carryOut(order as Order))
