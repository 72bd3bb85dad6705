import { useEffect, useRef, useState } from 'preact/hooks'

import { ConnectionError } from '../api.ts'
import { useDraft } from '../drafts.ts'
import { explain, isAborted } from '../explain.ts'
import { percent } from '../format.ts'
import { reloadList } from '../items/store.ts'
import { session } from '../session.ts'
import { more } from '../text/more.ts'
import { FormError } from '../ui/form.tsx'
import { Heading } from '../ui/heading.tsx'
import { CheckStep } from './check-step.tsx'
import { type Check, checkFile, TooLarge } from './check.ts'
import { ColumnsStep } from './columns-step.tsx'
import { UnreadableFile } from './decode.ts'
import { FileStep, type Source } from './file-step.tsx'
import { firstMapping, type Mapping, mappingFor, missingFields } from './mapping.ts'
import { type Outcome, ResultStep } from './result-step.tsx'
import { type Survey, surveyOf } from './survey.ts'
import { newRequestId, upload } from './upload.ts'
import { size } from './words.ts'

export interface Work {
  /** Such as "Reading, 40 %". */
  label: string
  /** From 0 to 1; undefined if it is unknown. */
  part: number | undefined
}

/** File, columns, check, import: each step appears when the one before is done. */
export function ImportScreen() {
  const { imports: words } = more
  const [source, setSource] = useState<Source>()
  const [survey, setSurvey] = useState<Survey>()
  const [mapping, setMapping] = useState<Mapping>()
  const [check, setCheck] = useState<Check>()
  const [outcome, setOutcome] = useState<Outcome>()
  const [work, setWork] = useState<Work>()
  const [error, setError] = useState<string>()
  const earlier = useRef<{ mapping: Mapping; names: string[] }>(undefined)
  const task = useRef<AbortController>(undefined)
  useEffect(() => () => task.current?.abort(), [])
  useDraft(work !== undefined && check !== undefined)

  const run = async (
    label: (part: number) => string,
    job: (signal: AbortSignal, report: (part: number) => void) => Promise<void>,
  ) => {
    task.current?.abort()
    const abort = new AbortController()
    task.current = abort
    const show = (part: number) => {
      if (task.current === abort && !abort.signal.aborted) setWork({ label: label(part), part })
    }
    setError(undefined)
    show(0)
    try {
      await job(abort.signal, show)
    } catch (failure) {
      if (!isAborted(failure) && !abort.signal.aborted) setError(explainImport(failure))
    }
    if (task.current === abort) setWork(undefined)
  }

  const read = (next: Source, hasHeader?: boolean) =>
    run(
      (part) => words.reading(percent(part)),
      async (signal, report) => {
        const onProgress = (characters: number) => report(Math.min(1, characters / next.file.size))
        setSource(next)
        setSurvey(undefined)
        setCheck(undefined)
        setOutcome(undefined)
        const found = await surveyOf(next.file, { signal, onProgress, hasHeader })
        const before = earlier.current && mappingFor(found, earlier.current.mapping, earlier.current.names)
        const chosen = before ?? firstMapping(found)
        setSurvey(found)
        setMapping(chosen)
        if (before && missingFields(before).length === 0) void verify(next, found, before)
      },
    )

  const verify = ({ file }: Source, found: Survey, chosen: Mapping) =>
    run(
      () => words.checking,
      async (signal, onProgress) => {
        earlier.current = { mapping: chosen, names: found.columns.map(({ name }) => name) }
        setCheck(undefined)
        setOutcome(undefined)
        setCheck(
          await checkFile(file, found, chosen, { limit: session.value?.import_limit ?? Infinity, signal, onProgress }),
        )
      },
    )

  const send = ({ rewritten }: Check) =>
    run(
      (part) => (part < 1 ? words.sending(percent(part)) : words.writing),
      async (signal, onProgress) => {
        const requestId = newRequestId()
        const report = await upload(rewritten.file, { isDry: false, requestId, signal, onProgress })
        reloadList()
        setOutcome({ report, requestId })
      },
    )

  const restart = () => {
    setSource(undefined)
    setSurvey(undefined)
    setCheck(undefined)
    setOutcome(undefined)
  }

  return (
    <div class="page">
      <div class="page-head">
        <Heading title={words.title} />
      </div>
      <div class="stack">
        <FileStep source={source} survey={survey} onSource={(next) => void read(next)} />
        {source && survey && mapping && !outcome && (
          <ColumnsStep
            survey={survey}
            mapping={mapping}
            isBusy={work !== undefined}
            isChecked={check !== undefined}
            onMapping={(next) => {
              setMapping(next)
              setCheck(undefined)
            }}
            onHeader={(hasHeader) => void read(source, hasHeader)}
            onCheck={() => void verify(source, survey, mapping)}
          />
        )}
        {survey && mapping && check && !outcome && (
          <CheckStep
            check={check}
            survey={survey}
            mapping={mapping}
            isBusy={work !== undefined}
            onImport={() => void send(check)}
          />
        )}
        {outcome && survey && check && <ResultStep {...outcome} check={check} survey={survey} onAnother={restart} />}
        <WorkLine work={work} onCancel={() => task.current?.abort()} />
        <FormError>{error}</FormError>
      </div>
    </div>
  )
}

function WorkLine({ work, onCancel }: { work: Work | undefined; onCancel: () => void }) {
  const { imports: words } = more
  return (
    <div role="status">
      {work && (
        <p class="card work">
          <span>{work.label}</span>
          <progress value={work.part === 1 ? undefined : work.part} aria-label={work.label} />
          <button type="button" onClick={onCancel}>
            {words.cancel}
          </button>
        </p>
      )}
    </div>
  )
}

function explainImport(error: unknown): string {
  const { imports: words } = more
  if (error instanceof UnreadableFile) return words.unreadable[error.reason]
  if (error instanceof TooLarge) return words.tooLarge(size(error.size), size(session.value?.import_limit ?? 0))
  if (error instanceof ConnectionError) return words.interrupted
  return explain(error)
}
