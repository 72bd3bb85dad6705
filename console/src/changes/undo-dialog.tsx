import { useState } from 'preact/hooks'

import { client, ConnectionError, type ItemChange, type UndoConflict, type UndoReport } from '../api.ts'
import { explain } from '../explain.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Failure } from '../ui/action.tsx'
import { DialogFoot } from '../ui/dialog-foot.tsx'
import { useLoad } from '../ui/load.ts'
import { Modal } from '../ui/modal.tsx'
import { toast } from '../ui/toasts.tsx'
import { EntryTable } from './entry.tsx'
import { reasonOf, sizeOf } from './words.ts'

const listed = 10

interface Props {
  /** The change set to undo. */
  id: string
  onClose: () => void
  /** Called after the undo, and after the undo of the undo. */
  onDone: () => void
}

/** Shows what an undo would restore and what stays as it is, and does it. */
export function UndoDialog({ id, onClose, onDone }: Props) {
  const { changes: words } = more
  const { shell } = text
  const preview = useLoad((signal) => client.changes.undo(id, { dryRun: true, onConflict: 'skip', signal }), [id])
  const entries = useLoad((signal) => client.changes.items(id, {}, { signal }), [id])
  const [failure, setFailure] = useState<string>()
  const [isBusy, setIsBusy] = useState(false)
  const possible = preview.value ? sizeOf(preview.value) : 0
  const close = () => {
    if (!isBusy) onClose()
  }
  const run = async () => {
    setIsBusy(true)
    setFailure(undefined)
    try {
      const report = await client.changes.undo(id, { onConflict: preview.value?.conflicting ? 'skip' : 'stop' })
      onClose()
      reportUndo(report, onDone)
    } catch (error) {
      setFailure(error instanceof ConnectionError ? words.lost : explain(error))
      setIsBusy(false)
      preview.reload()
    }
  }
  const message = failure ?? (preview.error === undefined ? undefined : explain(preview.error))
  return (
    <Modal title={words.dialog} onClose={close}>
      {preview.value && <Preview report={preview.value} entries={entries.value?.entries ?? []} />}
      {preview.isLoading && !preview.value && <p class="muted">{shell.loading}</p>}
      <Failure message={message} />
      <div role="status">
        {isBusy && (
          <p class="busy">
            {words.undoing(possible)} <progress aria-label={words.undoing(possible)} />
          </p>
        )}
      </div>
      <DialogFoot
        action={possible > 0 ? words.confirm(possible) : undefined}
        isDanger={preview.value && preview.value.deleted > 0}
        isBusy={isBusy}
        onCancel={close}
        onClick={() => void run()}
      />
    </Modal>
  )
}

function reportUndo({ change, ...counts }: UndoReport, onDone: () => void): void {
  onDone()
  const again = change && (() => client.changes.undo(change.id).then(onDone))
  toast(more.changes.done(sizeOf(counts)), again ? { undo: again } : {})
}

function Preview({ report, entries }: { report: UndoReport; entries: ItemChange[] }) {
  const { changes: words } = more
  const { created, updated, deleted, conflicting, changes, conflicts } = report
  return (
    <>
      {sizeOf(report) === 0 && <p>{words.impossible}</p>}
      <ul class="plain">
        {updated > 0 && <li>{words.restores(updated)}</li>}
        {created > 0 && <li>{words.recreates(created)}</li>}
        {deleted > 0 && <li>{words.removes(deleted)}</li>}
      </ul>
      {changes.length > 0 && (
        <EntryTable
          entries={changes.slice(0, listed)}
          caption={sizeOf(report) > listed ? words.first(Math.min(listed, changes.length)) : undefined}
        />
      )}
      {conflicting > 0 && <Conflicts conflicts={conflicts} entries={entries} total={conflicting} />}
    </>
  )
}

function Conflicts({ conflicts, entries, total }: { conflicts: UndoConflict[]; entries: ItemChange[]; total: number }) {
  const { changes: words } = more
  const shown = conflicts.slice(0, listed)
  const others = total - shown.length
  return (
    <section>
      <h3>{words.conflicts(total)}</h3>
      <ul>
        {shown.map((conflict) => (
          <li key={conflict.item_id}>
            <span class="name">{conflict.name}</span>:{' '}
            {reasonOf(
              conflict,
              entries.find(({ item_id: item }) => item === conflict.item_id),
            )}
          </li>
        ))}
        {others > 0 && <li>{words.andOthers(others)}</li>}
      </ul>
    </section>
  )
}
