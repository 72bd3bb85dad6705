import { tooBusy } from './problems.ts'

/** A semaphore with a bounded queue and a share for each party. */
export interface Gate {
  /**
   * Waits for a place.
   *
   * @param party whom the place counts for, for instance a manager's ID: one party holds at most its share of the places
   *   and of the queue, and a free place goes to the waiting party that holds the fewest. Work without a party has no share.
   * @param signal aborted when the place is no longer wanted, for instance because the client has disconnected
   * @returns releases the place; calls after the first do nothing
   * @throws Problem too_busy if no place is free in time, or the queue is full; the reason of `signal`
   */
  enter(party?: string, signal?: AbortSignal): Promise<() => void>
  /** How many places are taken. */
  taken(): number
  /** Runs `task` in a place of its own. @throws as `enter` does, and as `task` does */
  run<Result>(task: () => Promise<Result>, party?: string, signal?: AbortSignal): Promise<Result>
}

export interface GateOptions {
  /** Tasks that run at a time, and those that may wait. */
  places: number
  queue: number
  /** Milliseconds that a task waits at most. */
  patience: number
  /** The part of the places and of the queue that one party may hold, rounded up. */
  share?: number
}

interface Waiter {
  party: string | undefined
  admit: () => void
}

const refusal = () => tooBusy('Too many of these run at the moment: try again.', 2)

export function openGate({ places, queue, patience, share = 1 }: GateOptions): Gate {
  let free = places
  /** Places held by party, without those that hold none. */
  const held = new Map<string, number>()
  /** In the order of their arrival. */
  const waiting = new Set<Waiter>()
  const placesOfOne = Math.ceil(places * share)
  const queueOfOne = Math.ceil(queue * share)

  const heldBy = (party: string | undefined) => (party === undefined ? 0 : (held.get(party) ?? 0))
  const hasShareLeft = (party: string | undefined) => heldBy(party) < placesOfOne
  const waitingOf = (party: string) =>
    Iterator.from(waiting).reduce((sum, each) => sum + Number(each.party === party), 0)

  const take = (party: string | undefined) => {
    free--
    if (party !== undefined) held.set(party, heldBy(party) + 1)
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      free++
      if (party !== undefined && heldBy(party) > 1) held.set(party, heldBy(party) - 1)
      else if (party !== undefined) held.delete(party)
      nextWaiter()?.admit()
    }
  }

  /** Of the parties that may have another place, the one that holds the fewest; the longest waiting if several do. */
  const nextWaiter = (): Waiter | undefined => {
    let next: Waiter | undefined
    for (const each of waiting) {
      if (!hasShareLeft(each.party)) continue
      if (next === undefined || heldBy(each.party) < heldBy(next.party)) next = each
    }
    return next
  }

  const enter = async (party?: string, signal?: AbortSignal) => {
    signal?.throwIfAborted()
    if (free > 0 && hasShareLeft(party)) return take(party)
    const isFull = waiting.size >= queue || (party !== undefined && waitingOf(party) >= queueOfOne)
    if (isFull) throw refusal()
    return new Promise<() => void>((resolve, reject) => {
      const stopWaiting = () => {
        clearTimeout(late)
        signal?.removeEventListener('abort', abandon)
        waiting.delete(waiter)
      }
      const abandon = () => {
        stopWaiting()
        reject(signal?.reason as Error)
      }
      const waiter: Waiter = {
        party,
        admit() {
          stopWaiting()
          resolve(take(party))
        },
      }
      const late = setTimeout(() => {
        stopWaiting()
        reject(refusal())
      }, patience)
      signal?.addEventListener('abort', abandon)
      waiting.add(waiter)
    })
  }

  return {
    enter,
    taken: () => places - free,
    async run(task, party, signal) {
      const leave = await enter(party, signal)
      try {
        return await task()
      } finally {
        leave()
      }
    },
  }
}
