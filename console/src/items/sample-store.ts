import { client } from '../api.ts'
import { me } from '../session.ts'
import { more } from '../text/more.ts'
import { toast } from '../ui/toasts.tsx'
import { rememberSamples } from './sample-state.ts'
import { sampleItems } from './samples.ts'
import { reloadList } from './store.ts'

/** Adds the sample items in one change, so that one undo removes them. */
export async function addSamples(): Promise<void> {
  const lines = sampleItems().map((item) => JSON.stringify(item))
  const { created } = await client.items.import(lines.join('\n'), { format: 'ndjson' })
  const { entries } = await client.changes.list({ kind: 'import', manager: me().id, limit: 1 })
  rememberSamples(entries[0]?.id)
  reloadList()
  toast(more.itemDialogs.samplesAdded(created))
}

/** Items that have been changed since stay. */
export async function removeSamples(change: string): Promise<void> {
  const { conflicting } = await client.changes.undo(change, { onConflict: 'skip' })
  rememberSamples(undefined)
  reloadList()
  toast(conflicting === 0 ? more.itemDialogs.samplesRemoved : more.itemDialogs.samplesKept(conflicting))
}
