import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface StepProps {
  number: number
  title: string
  children: ComponentChildren
}

/** A step takes the focus when it appears, so that screen readers continue there. */
export function Step({ number, title, children }: StepProps) {
  const section = useRef<HTMLElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (number === 1) return
    heading.current?.focus({ preventScroll: true })
    section.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  return (
    <section ref={section} class="card stack step" aria-labelledby={`step-${number}`}>
      <h2 id={`step-${number}`} ref={heading} tabIndex={-1}>
        <span class="step-number">{number}</span> {title}
      </h2>
      {children}
    </section>
  )
}
