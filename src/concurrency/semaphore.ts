import { tooBusy } from '../problems.ts'

/** A semaphore with a bounded queue and a fair share for each party. */
export interface Semaphore {
  /**
   * Waits for a place.
   *
   * @param party whom the place counts for, for instance a manager's ID or an address: one party holds at most its share of
   *   the places and of the queue. A free place goes to the waiting party that holds the fewest; parties that hold as many
   *   take turns. If the queue is full, the newest task of the party with the most waiting is refused in favor of a party
   *   with fewer. Work without a party is a party of its own.
   * @param signal aborted when the place is no longer wanted, for instance because the client has disconnected
   * @returns the permit: disposing of it releases it
   * @throws Problem too_busy if no place is free in time, or the queue is full; the reason of `signal`
   */
  acquire(party?: string, signal?: AbortSignal): Promise<Disposable>
  /** How many places are taken. */
  inUse(): number
  /** Runs `task` in a place of its own. @throws as `enter` does, and as `task` does */
  run<Result>(task: () => Promise<Result>, party?: string, signal?: AbortSignal): Promise<Result>
}

export interface SemaphoreOptions {
  /** Tasks that run at a time, and those that may wait. */
  permits: number
  maxQueue: number
  /** Milliseconds that a task waits at most. */
  timeout: number
  /** The part of the places and of the queue that one party may hold, rounded up. */
  share?: number
}

interface Party {
  name: string | undefined
  held: number
  waiting: number
  /** The turn of its next task. */
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
  /** By name, those that hold a place or wait for one. */
  const parties = new Map<string, Party>()
  /** In the order of their arrival. */
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

  /** Whether the queue has room for another task of `party`. It may have to be made. */
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
      throw queueFull()
    }
    return new Promise<Disposable>((resolve, reject) => {
      const stopWaiting = () => {
        clearTimeout(late)
        signal?.removeEventListener('abort', abandon)
        waiting.delete(waiter)
        party.waiting--
      }
      const leave = (reason: Error) => {
        stopWaiting()
        forgetIfIdle(party)
        reject(reason)
      }
      const abandon = () => leave(signal?.reason as Error)
      const waiter: Waiter = {
        party,
        turn: nextTurn(party),
        admit() {
          stopWaiting()
          resolve(take(party, waiter.turn))
        },
        refuse: () => leave(queueFull()),
      }
      const late = setTimeout(() => waiter.refuse(), timeout)
      signal?.addEventListener('abort', abandon)
      waiting.add(waiter)
      party.waiting++
    })
  }

  return {
    acquire,
    inUse: () => permits - free,
    async run(task, party, signal) {
      using _permit = await acquire(party, signal)
      return await task()
    },
  }
}

function isBefore(one: Waiter, other: Waiter): boolean {
  return one.party.held === other.party.held ? one.turn < other.turn : one.party.held < other.party.held
}
