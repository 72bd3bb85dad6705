import { useEffect, useState } from 'preact/hooks'

import { more } from '../text/more.ts'
import type { Check } from './check.ts'
import { fileOf } from './rejected.ts'
import type { Survey } from './survey.ts'

/** The link to a file of the rows that were left out, without those whose cells are unknown. */
export function BadRows({ check: { rows, failed }, survey }: { check: Check; survey: Survey }) {
  const { imports: words } = more
  const readable = rows.filter(({ fields }) => fields.length > 0)
  const [href, setHref] = useState('')
  useEffect(() => {
    const url = URL.createObjectURL(fileOf(readable, survey))
    setHref(url)
    return () => URL.revokeObjectURL(url)
  }, [rows])
  if (readable.length === 0) return null
  return (
    <>
      {rows.length < failed && <p class="notice warning">{words.onlyFirst(rows.length)}</p>}
      <p>
        <a class="button" href={href} download={words.fileOfBad}>
          {words.download(readable.length)}
        </a>
      </p>
    </>
  )
}
