import type { ComponentChildren } from 'preact'

import { text } from '../text/text.ts'

interface DialogFootProps {
  /** On the button that does what the dialog is for; undefined if it is impossible. */
  action: string | undefined
  isDanger?: boolean | undefined
  isOff?: boolean
  /** It is being done, and cannot be canceled. */
  isBusy?: boolean
  onCancel: () => void
  /** Without it, the button submits the form around it. */
  onClick?: () => void
  /** Before the buttons. */
  children?: ComponentChildren
}

/** The buttons at the end of a dialog. */
export function DialogFoot({
  action,
  isDanger = false,
  isOff = false,
  isBusy = false,
  onCancel,
  onClick,
  children,
}: DialogFootProps) {
  return (
    <footer class="dialog-foot">
      {children}
      <button type="button" aria-disabled={isBusy} onClick={() => isBusy || onCancel()}>
        {text.shell.cancel}
      </button>
      {action !== undefined && (
        <button
          type={onClick ? 'button' : 'submit'}
          class={isDanger ? 'danger' : 'primary'}
          aria-disabled={isOff || isBusy}
          onClick={() => isOff || isBusy || onClick?.()}
        >
          {action}
        </button>
      )}
    </footer>
  )
}
