import { tooBusy } from '../problems.ts'

/** A semaphore with a bounded queue, a bounded wait, and a fair share for each party. */
export interface Semaphore {
  // Waits for a permit, which is released by disposing of it. A free permit goes to the party (such as a manager or an address)
  // that holds the fewest; those that hold equally many take turns. If the queue is full, the newest task of the party with the
  // most waiting makes room for a party with fewer. Each call without a party is one of its own.
  acquire(party?: string, signal?: AbortSignal): Promise<Disposable>
  inUse(): number
  /** `refused` counts tasks since the start. */
  usage(): { inUse: number; waiting: number; refused: number }
  run<Result>(task: () => Promise<Result>, party?: string, signal?: AbortSignal): Promise<Result>
}

export interface SemaphoreOptions {
  permits: number
  maxQueue: number
  /** Milliseconds. */
  timeout: number
  /** The fraction of the permits and of the queue that one party may hold, rounded up. */
  share?: number
}

interface Party {
  name: string | undefined
  held: number
  waiting: number
  turn: number
}

interface Waiter {
  party: Party
  turn: number
  admit: () => void
  refuse: () => void
}

const queueFull = () => tooBusy('Too many requests of this kind are in progress. Try again later.', 2)

export function openSemaphore({ permits, maxQueue, timeout, share = 1 }: SemaphoreOptions): Semaphore {
  let free = permits
  /** The turn of the task that was admitted last (start-time fair queueing). */
  let turn = 0
  let refused = 0
  const parties = new Map<string, Party>()
  const waiting = new Set<Waiter>()
  const permitsPerParty = Math.ceil(permits * share)
  const queuePerParty = Math.ceil(maxQueue * share)

  const find = (name: string | undefined): Party => {
    const known = name === undefined ? undefined : parties.get(name)
    if (known) return known
    const party = { name, held: 0, waiting: 0, turn: 0 }
    if (name !== undefined) parties.set(name, party)
    return party
  }
  const forgetIfIdle = ({ name, held, waiting: inQueue }: Party) => {
    if (name !== undefined && held === 0 && inQueue === 0) parties.delete(name)
  }
  const nextTurn = (party: Party) => {
    const next = Math.max(turn, party.turn)
    party.turn = next + 1
    return next
  }

  const take = (party: Party, itsTurn: number) => {
    free--
    party.held++
    turn = Math.max(turn, itsTurn)
    let isReleased = false
    return {
      [Symbol.dispose]() {
        if (isReleased) return
        isReleased = true
        free++
        party.held--
        forgetIfIdle(party)
        nextWaiter()?.admit()
      },
    }
  }

  const nextWaiter = (): Waiter | undefined => {
    let next: Waiter | undefined
    for (const each of waiting) {
      if (each.party.held < permitsPerParty && (next === undefined || isBefore(each, next))) next = each
    }
    return next
  }

  const hasRoom = (party: Party): boolean => {
    if (party.waiting >= queuePerParty) return false
    if (waiting.size < maxQueue) return true
    let newest: Waiter | undefined
    for (const each of waiting) if (each.party.waiting >= (newest?.party.waiting ?? 0)) newest = each
    if (newest === undefined || newest.party.waiting <= party.waiting + 1) return false
    newest.refuse()
    return true
  }

  const acquire = async (name?: string, signal?: AbortSignal) => {
    signal?.throwIfAborted()
    const party = find(name)
    if (free > 0 && party.held < permitsPerParty) return take(party, nextTurn(party))
    if (!hasRoom(party)) {
      forgetIfIdle(party)
      refused++
      throw queueFull()
    }
    return new Promise<Disposable>((resolve, reject) => {
      const stopWaiting = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        waiting.delete(waiter)
        party.waiting--
      }
      const fail = (reason: Error) => {
        stopWaiting()
        forgetIfIdle(party)
        reject(reason)
      }
      const abort = () => fail(signal?.reason as Error)
      const waiter: Waiter = {
        party,
        turn: nextTurn(party),
        admit() {
          stopWaiting()
          resolve(take(party, waiter.turn))
        },
        refuse() {
          refused++
          fail(queueFull())
        },
      }
      const timer = setTimeout(() => waiter.refuse(), timeout)
      signal?.addEventListener('abort', abort)
      waiting.add(waiter)
      party.waiting++
    })
  }

  return {
    acquire,
    inUse: () => permits - free,
    usage: () => ({ inUse: permits - free, waiting: waiting.size, refused }),
    async run(task, party, signal) {
      using _permit = await acquire(party, signal)
      return await task()
    },
  }
}

function isBefore(one: Waiter, other: Waiter): boolean {
  return one.party.held === other.party.held ? one.turn < other.turn : one.party.held < other.party.held
}
