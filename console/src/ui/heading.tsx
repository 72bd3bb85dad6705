import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

import { isNavigated } from '../route.ts'
import { text } from '../text/text.ts'

interface HeadingProps {
  /** Also the title of the page. */
  title: string
  children?: ComponentChildren
}

/** The heading of a screen. It takes the focus after a navigation, so that screen readers announce the new page. */
export function Heading({ title, children }: HeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useTitle(title)
  useEffect(() => {
    if (!isNavigated.peek()) return
    isNavigated.value = false
    heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <h1 ref={heading} tabIndex={-1}>
      {title}
      {children}
    </h1>
  )
}

export function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title === undefined) return
    const before = document.title
    document.title = text.shell.titleOf(title)
    return () => {
      document.title = before
    }
  }, [title])
}
