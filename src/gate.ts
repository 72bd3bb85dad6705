import { Problem } from './problems.ts'

/** Lets a number of tasks run at a time. */
export interface Gate {
  /**
   * Waits for a place.
   *
   * @returns what gives the place back
   * @throws Problem too_busy if none is free in time
   */
  enter(): Promise<() => void>
}

/** A gate with this many places, whose wait ends after so many milliseconds. */
export function openGate(places: number, patience: number): Gate {
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

  return {
    async enter() {
      if (free > 0) {
        free--
        return once()
      }
      await new Promise<void>((resolve, reject) => {
        const admit = () => {
          clearTimeout(late)
          resolve()
        }
        const late = setTimeout(() => {
          waiting.delete(admit)
          reject(tooBusy())
        }, patience)
        waiting.add(admit)
      })
      return once()
    },
  }
}

function tooBusy(): Problem {
  return new Problem('too_busy', 'Too many of these run at the moment: try again.', { headers: { 'retry-after': '2' } })
}
