import { more } from '../text/more.ts'
import { Failure, useAction } from '../ui/action.tsx'
import { rememberSamples } from './sample-state.ts'
import { removeSamples } from './sample-store.ts'

/** As long as the sample items are in the store, they can be removed with one click. */
export function SampleNotice({ change }: { change: string }) {
  const { itemDialogs: words } = more
  const { isBusy, failure, run } = useAction()
  return (
    <div class="notice samples">
      <p>{words.samplesHere}</p>
      <button type="button" aria-disabled={isBusy} onClick={() => run(() => removeSamples(change))}>
        {words.removeSamples}
      </button>
      <button type="button" class="link" onClick={() => rememberSamples(undefined)}>
        {words.keepSamples}
      </button>
      <Failure message={failure} />
    </div>
  )
}
