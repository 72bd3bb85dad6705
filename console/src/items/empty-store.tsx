import { hrefOf } from '../route.ts'
import { more } from '../text/more.ts'
import { Failure, useAction } from '../ui/action.tsx'
import { addSamples } from './sample-store.ts'
import { sampleCount } from './samples.ts'

/** A store without items: three ways to begin. */
export function EmptyStore({ title = more.itemDialogs.empty }: { title?: string }) {
  const { itemDialogs: words } = more
  const { isBusy, failure, run } = useAction()
  return (
    <div class="card empty">
      <h2>{title}</h2>
      <p>{words.emptyHow}</p>
      <p class="actions">
        <a class="button primary" href={hrefOf('items/new')}>
          {words.firstItem}
        </a>
        <a class="button" href={hrefOf('import')}>
          {words.importSpreadsheet}
        </a>
        <button type="button" aria-disabled={isBusy} onClick={() => run(addSamples)}>
          {isBusy ? words.addingSamples : words.addSamples(sampleCount)}
        </button>
      </p>
      <Failure message={failure} />
    </div>
  )
}
