import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'

import { explain } from '../explain.ts'
import { text } from '../text/text.ts'

interface Toast {
  key: number
  message: string
  undo?: (() => Promise<unknown>) | undefined
  link?: { href: string; label: string } | undefined
}

const shown = 3
const stayMs = 5_000
const stayWithActionMs = 10_000

const toasts = signal<Toast[]>([])
let lastKey = 0

/** Reports what has been done, with a way to undo it. Errors belong where they happened instead. */
export function toast(message: string, action: Pick<Toast, 'undo' | 'link'> = {}): void {
  toasts.value = [...toasts.value, { key: ++lastKey, message, ...action }].slice(-shown)
}

export function Toasts() {
  return (
    <section class="toasts" aria-label={text.shell.notifications}>
      <div role="status">
        {toasts.value.map((each) => (
          <ToastLine key={each.key} toast={each} />
        ))}
      </div>
    </section>
  )
}

function ToastLine({ toast: { key, message, undo, link } }: { toast: Toast }) {
  const [isHeld, setIsHeld] = useState(false)
  const [isBusy, setIsBusy] = useState(false)
  const [result, setResult] = useState<string>()
  const line = useRef<HTMLDivElement>(null)
  const close = () => {
    if (line.current?.contains(document.activeElement)) document.querySelector<HTMLElement>('h1')?.focus()
    toasts.value = toasts.value.filter((each) => each.key !== key)
  }
  const hasAction = (undo !== undefined || link !== undefined) && result === undefined
  useEffect(() => {
    if (isHeld || isBusy) return
    const timer = setTimeout(close, hasAction ? stayWithActionMs : stayMs)
    return () => clearTimeout(timer)
  }, [isHeld, isBusy, hasAction])
  const run = async () => {
    setIsBusy(true)
    try {
      await undo?.()
      setResult(text.shell.undone)
    } catch (error) {
      setResult(text.shell.notUndone(explain(error)))
    }
    setIsBusy(false)
  }
  return (
    <div
      ref={line}
      class="toast"
      onMouseEnter={() => setIsHeld(true)}
      onMouseLeave={() => setIsHeld(false)}
      onFocusIn={() => setIsHeld(true)}
      onFocusOut={() => setIsHeld(false)}
    >
      <span>{result ?? (isBusy ? text.shell.undoing : message)}</span>
      {isBusy && <progress aria-label={text.shell.undoing} />}
      {link !== undefined && <a href={link.href}>{link.label}</a>}
      {undo !== undefined && result === undefined && (
        <button type="button" aria-disabled={isBusy} onClick={() => void (isBusy || run())}>
          {text.shell.undo}
        </button>
      )}
      <button type="button" class="icon" aria-label={text.shell.close} onClick={close}>
        <span aria-hidden="true">×</span>
      </button>
    </div>
  )
}
