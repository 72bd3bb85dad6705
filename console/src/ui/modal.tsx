import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useId, useRef } from 'preact/hooks'

import { text } from '../text/text.ts'

interface ModalProps {
  title: string
  /** A drawer is at the end of the page, and as wide as a small screen. */
  kind?: 'dialog' | 'drawer'
  isAlert?: boolean
  /** Next to the button that closes. */
  tools?: ComponentChildren
  onClose: () => void
  /** Without a button that closes. */
  isFixed?: boolean
  /** The element that takes the focus afterwards if the one that opened the dialog no longer exists. */
  returnTo?: () => HTMLElement | null | undefined
  children: ComponentChildren
}

/** A modal dialog that is open as long as it is rendered, and returns the focus afterwards. */
export function Modal({
  title,
  kind = 'dialog',
  isAlert = false,
  isFixed = false,
  tools,
  onClose,
  returnTo,
  children,
}: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const id = useId()
  const fallback = useRef(returnTo)
  fallback.current = returnTo
  const close = useRef(onClose)
  close.current = onClose
  useLayoutEffect(() => {
    const opener = document.activeElement
    const element = dialog.current
    element?.addEventListener('cancel', (event) => {
      event.preventDefault()
      close.current()
    })
    element?.addEventListener('mousedown', ({ target }) => {
      if (target === element) close.current()
    })
    element?.showModal()
    heading.current?.focus()
    return () => {
      const isUsable = opener instanceof HTMLElement && opener.isConnected && opener !== document.body
      const target = isUsable ? opener : fallback.current?.()
      // A closing dialog would move the focus itself, after its element is removed.
      queueMicrotask(() => target?.focus())
    }
  }, [])
  return (
    <dialog ref={dialog} class={kind} role={isAlert ? 'alertdialog' : undefined} aria-labelledby={id}>
      <div class="dialog-box">
        <header class="dialog-head">
          <h2 id={id} ref={heading} tabIndex={-1}>
            {title}
          </h2>
          {tools}
          {!isFixed && (
            <button type="button" class="icon" aria-label={text.shell.close} title={text.shell.close} onClick={onClose}>
              <span aria-hidden="true">×</span>
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  )
}
