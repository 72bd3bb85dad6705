import { count } from '../format.ts'
import { place } from '../route.ts'
import { text } from '../text/text.ts'
import { Pager } from '../ui/pager.tsx'
import { useKeys } from '../use-keys.ts'
import { goToPage, query } from './store.ts'

interface ListPagerProps {
  name: string
  next: string | undefined
  /** One of the pagers of the list acts on the keys. */
  hasKeys?: boolean
}

export function ListPager({ name, next, hasKeys = false }: ListPagerProps) {
  const trail = trailOf()
  const { after } = query.value
  const onPrevious =
    after === undefined ? undefined : () => goToPage(trail.at(-1) || undefined, { trail: trail.slice(0, -1) })
  const onNext = next === undefined ? undefined : () => goToPage(next, { trail: [...trail, after ?? ''] })
  useKeys({ '[': () => onPrevious?.(), ']': () => onNext?.() }, hasKeys)
  return <Pager name={name} page={text.shell.page(pageNumber())} onPrevious={onPrevious} onNext={onNext} />
}

/** Unknown after a shared link, which has no pages before it. */
export function pageNumber(): string {
  const trail = trailOf()
  return query.value.after !== undefined && trail.length === 0 ? '…' : count(trail.length + 1)
}

/** The pages before this one; none after a shared link, whose previous page is the first one. */
function trailOf(): string[] {
  return place.value.state.trail ?? []
}
