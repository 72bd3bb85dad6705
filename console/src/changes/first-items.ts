import { useEffect, useState } from 'preact/hooks'

import { type ChangeSet, client, type ItemChange } from '../api.ts'
import { sizeOf } from './words.ts'

/** As many as the service reads for one manager at a time. */
const parallel = 2

/** A recorded change never changes. */
const known = new Map<string, ItemChange>()

/** The first item of each set, by the ID of the set; filled while they arrive. */
export function useFirstItems(sets: ChangeSet[] | undefined): Map<string, ItemChange> {
  const [, setCount] = useState(0)
  useEffect(() => {
    if (!sets) return
    const abort = new AbortController()
    const waiting = sets.filter((set) => sizeOf(set) > 0 && !known.has(set.id))
    const run = async () => {
      for (let set = waiting.shift(); set && !abort.signal.aborted; set = waiting.shift()) {
        const page = await client.changes.items(set.id, { limit: 1 }, { signal: abort.signal }).catch(() => undefined)
        const [entry] = page?.entries ?? []
        if (!entry) continue
        known.set(set.id, entry)
        setCount((count) => count + 1)
      }
    }
    for (let index = 0; index < parallel; index++) void run()
    return () => abort.abort()
  }, [sets])
  return known
}
