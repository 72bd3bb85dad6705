import { text } from '../text/text.ts'

interface PagerProps {
  /** Two pagers of a screen have different names. */
  name: string
  page: string
  onPrevious: (() => void) | undefined
  onNext: (() => void) | undefined
}

/** Buttons of an end of the list stay focusable: a disabled one would lose the focus. */
export function Pager({ name, page, onPrevious, onNext }: PagerProps) {
  return (
    <nav class="pager" aria-label={name}>
      <button type="button" aria-disabled={onPrevious === undefined} onClick={() => onPrevious?.()}>
        {text.shell.previous}
      </button>
      <span>{page}</span>
      <button type="button" aria-disabled={onNext === undefined} onClick={() => onNext?.()}>
        {text.shell.next}
      </button>
    </nav>
  )
}
