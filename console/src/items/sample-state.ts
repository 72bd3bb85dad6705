import { signal } from '@preact/signals'

import { base } from '../route.ts'
import { readStored, store } from '../storage.ts'

const key = `stockroom-samples ${base}`

/** The change that added the sample items, until they are removed or kept. */
export const sampleChange = signal(readStored(key))

/** Without storage, the change can be undone in Changes. */
export function rememberSamples(change: string | undefined): void {
  sampleChange.value = change
  store(key, change)
}
