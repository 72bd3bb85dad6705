import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface MenuProps {
  /** On the button. */
  label: ComponentChildren
  /** If `label` is no text that says what the menu is. */
  name?: string
  class?: string
  /** Aligned with the end of the button. */
  isAtEnd?: boolean
  /** Closes after a click inside; not for filters. */
  isClosedByClick?: boolean
  children: ComponentChildren
}

/** A button that opens a list of links, buttons, or checkboxes below it. */
export function Menu({ label, name, class: className, isAtEnd = false, isClosedByClick = true, children }: MenuProps) {
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const menu = list.current
    if (menu === null || !isClosedByClick) return
    const close = ({ target }: Event) => {
      if (target instanceof Element && target.closest('a, button') !== null) menu.hidePopover()
    }
    menu.addEventListener('click', close)
    return () => menu.removeEventListener('click', close)
  }, [isClosedByClick])
  return (
    <>
      <button type="button" class={`menu-button ${className ?? ''}`} popovertarget={id} aria-label={name}>
        {label}
        <span class="caret" aria-hidden="true" />
      </button>
      <div
        id={id}
        ref={list}
        popover="auto"
        class={isAtEnd ? 'menu at-end' : 'menu'}
        role="group"
        aria-label={name ?? (typeof label === 'string' ? label : undefined)}
      >
        {children}
      </div>
    </>
  )
}
