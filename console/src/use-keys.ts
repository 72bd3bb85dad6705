import { useEffect, useRef } from 'preact/hooks'

import { isHelpOpen } from './help-state.ts'
import { createKeyReader } from './keys.ts'
import { go, hrefOf } from './route.ts'
import { areKeysOn } from './settings.ts'

/** A handler returns false to leave the key to the browser. */
type Handlers = Record<string, (event: KeyboardEvent) => boolean | void>

/** Runs handlers by the names of keys (`keys.ts`), unless the focus is in a field or a dialog is open. */
export function useKeys(handlers: Handlers, isActive = true): void {
  const latest = useRef(handlers)
  latest.current = handlers
  useEffect(() => {
    if (!isActive) return
    const read = createKeyReader()
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return
      const name = read(event, { areOn: areKeysOn.peek(), isTyping: isTyping(event.target) })
      const handler = name === undefined ? undefined : latest.current[name]
      if (handler !== undefined && handler(event) !== false) event.preventDefault()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [isActive])
}

export function useGlobalKeys(isSignedIn: boolean): void {
  useKeys(
    {
      n: () => go(hrefOf('items/new')),
      '?': () => (isHelpOpen.value = true),
      '/': () => {
        const search = document.querySelector<HTMLElement>('input[type="search"]')
        if (search === null) go(hrefOf('items'), { state: { focus: 'search' } })
        else search.focus()
      },
      'g i': () => go(hrefOf('items')),
      'g o': () => go(hrefOf('overview')),
      'g c': () => go(hrefOf('changes')),
    },
    isSignedIn,
  )
}

function isTyping(target: EventTarget | null): boolean {
  if (document.querySelector('dialog:modal, [popover="auto"]:popover-open') !== null) return true
  return target instanceof Element && target.closest('input:not([type="checkbox"]), textarea, select') !== null
}
