import { tooBusy } from './problems.ts'

/** Lets a number of tasks run at a time. */
export interface Gate {
  /**
   * Waits for a place.
   *
   * @returns what gives the place back
   * @throws Problem too_busy if none is free in time, or too many wait already
   */
  enter(): Promise<() => void>
  /** Runs `task` in a place of its own. @throws as `enter` does, and as `task` does */
  run<Result>(task: () => Promise<Result>): Promise<Result>
}

interface GateOptions {
  /** Tasks that run at a time, and those that may wait. */
  places: number
  queue: number
  /** Milliseconds that one waits at most. */
  patience: number
}

const refusal = () => tooBusy('Too many of these run at the moment: try again.', 2)

export function openGate({ places, queue, patience }: GateOptions): Gate {
  let free = places
  const waiting = new Set<() => void>()

  const leave = () => {
    const [next] = waiting
    if (next === undefined) free++
    else {
      waiting.delete(next)
      next()
    }
  }
  const once = () => {
    let left = false
    return () => {
      if (!left) leave()
      left = true
    }
  }

  const enter = async () => {
    if (free > 0) {
      free--
      return once()
    }
    if (waiting.size >= queue) throw refusal()
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        clearTimeout(late)
        resolve()
      }
      const late = setTimeout(() => {
        waiting.delete(admit)
        reject(refusal())
      }, patience)
      waiting.add(admit)
    })
    return once()
  }

  return {
    enter,
    async run(task) {
      const leavePlace = await enter()
      try {
        return await task()
      } finally {
        leavePlace()
      }
    },
  }
}
