import { useEffect, useState } from 'preact/hooks'

import { type BulkReport, type BulkRequest, client, ConnectionError, StockroomError } from '../api.ts'
import { noteGivenUp } from '../banner.ts'
import { explain, isAborted } from '../explain.ts'
import { parsePrice } from '../format.ts'
import { more } from '../text/more.ts'
import { Failure } from '../ui/action.tsx'
import { DialogFoot } from '../ui/dialog-foot.tsx'
import { Modal } from '../ui/modal.tsx'
import { SubmitForm } from '../ui/submit-form.tsx'
import { toast } from '../ui/toasts.tsx'
import { BulkFields } from './bulk-fields.tsx'
import { BulkPreview } from './bulk-preview.tsx'
import { type BulkKind, openedBulk } from './bulk-state.ts'
import { type BulkForm, emptyForm, toChange } from './bulk.ts'
import { bulkSelect, clearSelection, selection } from './selected.ts'
import { reloadList } from './store.ts'

const previewDelayMs = 250

/** What a change would do, or why it cannot be done. */
export interface Preview {
  /** The change that it is the result of, as JSON. */
  key: string
  report?: BulkReport
  failure?: StockroomError
  /** For other failures. */
  message?: string
}

export function BulkDialog({ kind }: { kind: BulkKind }) {
  const { itemDialogs: words } = more
  const [form, setForm] = useState<BulkForm>(emptyForm)
  const [isBusy, setIsBusy] = useState(false)
  const [attempt, setAttempt] = useState(0)
  const [failure, setFailure] = useState<string>()
  const change: BulkRequest['change'] | undefined = kind === 'delete' ? 'delete' : toChange(form, parsePrice)
  const preview = usePreview(change, attempt)
  const isCurrent = preview !== undefined && preview.key === JSON.stringify(change)
  const report = isCurrent ? preview.report : undefined
  const { items, isAll } = selection.value
  const title = isAll ? words.bulkAllTitle(kind, report?.matched) : words.bulkTitle(kind, items.size)

  const close = () => {
    if (!isBusy) openedBulk.value = undefined
  }
  const run = async (request: BulkRequest) => {
    setIsBusy(true)
    setFailure(undefined)
    try {
      finish(kind, form, await client.items.bulk(request))
    } catch (error) {
      setFailure(explainBulk(error))
      // The numbers of the preview may be outdated.
      setAttempt((count) => count + 1)
    }
    setIsBusy(false)
  }
  const submit = () => {
    if (change === undefined || report === undefined || report.changed === 0 || isBusy) return
    void run({ select: bulkSelect(), change, expect: { matched: report.matched } })
  }
  return (
    <Modal title={title} onClose={close}>
      <SubmitForm onSubmit={submit}>
        {kind === 'change' && <BulkFields form={form} onChange={(changes) => setForm({ ...form, ...changes })} />}
        <BulkPreview kind={kind} preview={preview} isCurrent={report !== undefined} />
        <Failure message={failure} />
        <DialogFoot
          action={words.bulkAction(kind, form.field, report?.changed)}
          isDanger={kind === 'delete'}
          isOff={report === undefined || report.changed === 0}
          isBusy={isBusy}
          onCancel={close}
        >
          {isBusy && <progress aria-label={words.changing} />}
        </DialogFoot>
      </SubmitForm>
    </Modal>
  )
}

/** Tries the change whenever it is complete, a moment after the last input. */
function usePreview(change: BulkRequest['change'] | undefined, attempt: number): Preview | undefined {
  const [preview, setPreview] = useState<Preview>()
  const key = JSON.stringify(change)
  useEffect(() => {
    if (change === undefined) {
      setPreview(undefined)
      return
    }
    const abort = new AbortController()
    const run = async () => {
      try {
        const request = { select: bulkSelect(), change }
        setPreview({ key, report: await client.items.bulk(request, { dryRun: true, signal: abort.signal }) })
      } catch (error) {
        if (abort.signal.aborted || isAborted(error)) return
        if (error instanceof ConnectionError) noteGivenUp()
        const isRefused = error instanceof StockroomError && error.code === 'bulk_failed'
        setPreview(isRefused ? { key, failure: error } : { key, message: explain(error) })
      }
    }
    const timer = setTimeout(() => void run(), change === 'delete' ? 0 : previewDelayMs)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [key, attempt])
  return preview
}

function finish(kind: BulkKind, { field }: BulkForm, { changed, change }: BulkReport): void {
  openedBulk.value = undefined
  clearSelection()
  reloadList()
  const message = more.itemDialogs.bulkDone(kind, field, changed)
  toast(message, change === null ? {} : { undo: () => undoBulk(change.id) })
}

function explainBulk(error: unknown): string {
  const { itemDialogs: words } = more
  if (error instanceof ConnectionError) return words.bulkLost
  const isCount = error instanceof StockroomError && error.code === 'unexpected_count'
  return isCount ? words.bulkMoved : explain(error)
}

async function undoBulk(id: string): Promise<void> {
  await client.changes.undo(id)
  reloadList()
}
