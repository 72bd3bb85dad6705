import type { ImportReport } from '../api.ts'
import { valueOf } from '../changes/words.ts'
import { count } from '../format.ts'
import { more } from '../text/more.ts'
import { BadRows } from './bad-rows.tsx'
import type { Check, Finding } from './check.ts'
import type { Mapping } from './mapping.ts'
import { Step } from './step.tsx'
import type { Survey } from './survey.ts'
import { columnName, reasonOf } from './words.ts'

const listed = 100

interface Props {
  check: Check
  survey: Survey
  mapping: Mapping
  isBusy: boolean
  onImport: () => void
}

export function CheckStep({ check, survey, mapping, isBusy, onImport }: Props) {
  const { imports: words } = more
  const { report, failed, findings } = check
  const rows = report ? report.created + report.updated : 0
  return (
    <Step number={3} title={words.checkTitle}>
      {report ? <Counts report={report} failed={failed} /> : <p class="error">{words.broken}</p>}
      {report?.changes && report.changes.length > 0 && <FirstChanges changes={report.changes} total={report.updated} />}
      {findings.length > 0 && <Findings check={check} survey={survey} mapping={mapping} />}
      {report && (
        <div>
          {rows === 0 ? (
            <p>{words.nothing}</p>
          ) : (
            <button type="button" class="primary" aria-disabled={isBusy} onClick={() => isBusy || onImport()}>
              {words.run(rows)}
            </button>
          )}
        </div>
      )}
    </Step>
  )
}

function Counts({ report, failed }: { report: ImportReport; failed: number }) {
  const { imports: words } = more
  return (
    <>
      <ul class="counts">
        <li>{words.wouldCreate(report.created)}</li>
        <li>{words.wouldUpdate(report.updated)}</li>
        <li>{words.unchanged(report.unchanged)}</li>
        <li class={failed > 0 ? 'error' : undefined}>{words.leftOut(failed)}</li>
      </ul>
      {(report.same_name ?? 0) > 0 && <p class="notice warning">{words.sameName(report.same_name ?? 0)}</p>}
    </>
  )
}

const compared = ['name', 'category', 'price_usd', 'in_stock'] as const

interface FirstChangesProps {
  changes: NonNullable<ImportReport['changes']>
  /** Also of those that are not listed. */
  total: number
}

function FirstChanges({ changes, total }: FirstChangesProps) {
  const { imports: words } = more
  return (
    <section>
      <h3>{total > changes.length ? words.firstChanges(changes.length) : words.changes}</h3>
      <ul class="plain">
        {changes.map(({ id, before, after }) => (
          <li key={id}>
            <span class="name">{after.name}</span>:{' '}
            {compared
              .filter((name) => before[name] !== after[name])
              .map((name) => `${valueOf(name, before[name])} → ${valueOf(name, after[name])}`)
              .join(', ')}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Findings({ check, survey, mapping }: Pick<Props, 'check' | 'survey' | 'mapping'>) {
  const { findings, failed } = check
  const { imports: words } = more
  const shown = findings.slice(0, listed)
  const hidden = failed - new Set(shown.map(({ line }) => line)).size
  return (
    <section class="stack" aria-labelledby="left-out">
      <h3 id="left-out">{words.bad}</h3>
      <table class="entries findings">
        <caption class="visually-hidden">{words.bad}</caption>
        <thead>
          <tr>
            {[words.line, words.column, words.value, words.reason].map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((finding) => (
            <FindingRow key={`${finding.line} ${finding.field}`} finding={finding} survey={survey} mapping={mapping} />
          ))}
        </tbody>
      </table>
      {hidden > 0 && <p class="muted">{words.moreBad(hidden)}</p>}
      <p class="muted">{words.badHint}</p>
      <BadRows check={check} survey={survey} />
    </section>
  )
}

function FindingRow({ finding, survey, mapping }: { finding: Finding; survey: Survey; mapping: Mapping }) {
  const { imports: words } = more
  const { line, field, value } = finding
  const column = field === undefined ? -1 : mapping.columns.indexOf(field)
  const name = column === -1 ? (field === undefined ? words.wholeRow : words.fields[field]) : columnName(survey, column)
  return (
    <tr>
      <th scope="row">
        <span class="narrow-label">{words.line} </span>
        {count(line)}
      </th>
      <td>{name}</td>
      <td>{column === -1 ? '' : value === '' ? <em class="muted">{words.empty}</em> : <q class="name">{value}</q>}</td>
      <td>{reasonOf(finding)}</td>
    </tr>
  )
}
