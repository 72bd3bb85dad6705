import { hrefOf } from './route.ts'
import { text } from './text/text.ts'
import { Heading } from './ui/heading.tsx'

export function MissingScreen() {
  const { shell } = text
  return (
    <div class="page">
      <Heading title={shell.missingTitle} />
      <p>{shell.missing}</p>
      <p>
        <a href={hrefOf('items')}>{shell.goToItems}</a>
      </p>
    </div>
  )
}
