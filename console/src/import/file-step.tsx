import { useRef, useState } from 'preact/hooks'

import { more } from '../text/more.ts'
import { Step } from './step.tsx'
import type { Survey } from './survey.ts'

export interface Source {
  file: Blob
  /** Undefined for pasted rows. */
  name: string | undefined
}

interface Props {
  source: Source | undefined
  survey: Survey | undefined
  onSource: (source: Source) => void
}

export function FileStep({ source, survey, onSource }: Props) {
  const { imports: words } = more
  const [isOver, setIsOver] = useState(false)
  const take = (file: File | null | undefined) => file && onSource({ file, name: file.name })
  return (
    <Step number={1} title={words.file}>
      {source ? (
        <p>
          <span class="name">{source.name ?? words.pasted}</span>
          {survey && <span class="muted">, {words.rows(survey.count)}</span>}
        </p>
      ) : (
        <p class="muted">{words.intro}</p>
      )}
      <div
        class={isOver ? 'drop over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault()
          setIsOver(true)
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          setIsOver(false)
          take(event.dataTransfer?.files[0])
        }}
      >
        <label class={source ? 'button' : 'button primary'}>
          {source ? words.chooseAnother : words.choose}
          <input
            type="file"
            class="visually-hidden"
            accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values,text/plain"
            onChange={({ currentTarget }) => {
              take(currentTarget.files?.[0])
              // The same file can be chosen again after it was corrected.
              currentTarget.value = ''
            }}
          />
        </label>
        {!source && <PasteForm onSource={onSource} />}
      </div>
      {!source && <p class="hint">{words.excel}</p>}
    </Step>
  )
}

function PasteForm({ onSource }: Pick<Props, 'onSource'>) {
  const { imports: words } = more
  const area = useRef<HTMLTextAreaElement>(null)
  const take = (text: string) => text.trim() !== '' && onSource({ file: new Blob([text]), name: undefined })
  return (
    <>
      <p>{words.orDrop}</p>
      <textarea
        ref={area}
        rows={3}
        aria-label={words.paste}
        spellcheck={false}
        onPaste={(event) => {
          const text = event.clipboardData?.getData('text/plain') ?? ''
          if (!text.includes('\n')) return
          event.preventDefault()
          take(text)
        }}
      />
      <div>
        <button type="button" onClick={() => take(area.current?.value ?? '')}>
          {words.takePasted}
        </button>
      </div>
    </>
  )
}
