import { useState } from 'preact/hooks'

import { client, type ImportReport } from '../api.ts'
import { UndoDialog } from '../changes/undo-dialog.tsx'
import { reloadList } from '../items/store.ts'
import { hrefOf } from '../route.ts'
import { me } from '../session.ts'
import { more } from '../text/more.ts'
import { useLoad } from '../ui/load.ts'
import { BadRows } from './bad-rows.tsx'
import type { Check } from './check.ts'
import { Step } from './step.tsx'
import type { Survey } from './survey.ts'

export interface Outcome {
  report: ImportReport
  /** The change set of the import carries it. */
  requestId: string
}

interface Props extends Outcome {
  check: Check
  survey: Survey
  onAnother: () => void
}

export function ResultStep({ report, requestId, check, survey, onAnother }: Props) {
  const { imports: words } = more
  const [isUndoing, setIsUndoing] = useState(false)
  const set = useLoad((signal) => findSet(requestId, signal), [requestId])
  const canUndo = set.value !== undefined && set.value.undone_by === undefined
  return (
    <Step number={4} title={words.doneTitle}>
      <p role="status">
        {/* After a lost response, rows that were sent again are as they are. */}
        {words.done(report.created + report.updated + report.unchanged)}{' '}
        {check.failed > 0 && words.doneBad(check.failed)}
      </p>
      {check.failed > 0 && <BadRows check={check} survey={survey} />}
      <p class="actions">
        <a class="button primary" href={hrefOf('items', 'owner=me')}>
          {words.show}
        </a>
        {canUndo && (
          <button type="button" onClick={() => setIsUndoing(true)}>
            {words.undo}
          </button>
        )}
        <button type="button" onClick={onAnother}>
          {words.another}
        </button>
      </p>
      {isUndoing && set.value && (
        <UndoDialog
          id={set.value.id}
          onClose={() => setIsUndoing(false)}
          onDone={() => {
            reloadList()
            set.reload()
          }}
        />
      )}
    </Step>
  )
}

/** The change set that an import made; undefined if it changed nothing. */
async function findSet(requestId: string, signal: AbortSignal) {
  const { entries } = await client.changes.list({ kind: 'import', manager: me().id, limit: 20 }, { signal })
  return entries.find(({ request_id: id }) => id === requestId)
}
