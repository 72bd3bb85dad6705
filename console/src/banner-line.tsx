import { banner, type Banner, closeBanner } from './banner.ts'
import { refreshes } from './session.ts'
import { text } from './text/text.ts'
import { useSecondsUntil } from './ui/seconds.ts'

/** The state of the connection and the service, above the screen. */
export function BannerLine() {
  const state = banner.value
  return <div role="status">{state !== undefined && <BannerContent state={state} />}</div>
}

function BannerContent({ state }: { state: Banner }) {
  const { shell } = text
  const secondsLeft = useSecondsUntil(state.kind === 'throttled' ? state.until : 0)
  const close = (
    <button type="button" class="icon" aria-label={shell.close} onClick={closeBanner}>
      <span aria-hidden="true">×</span>
    </button>
  )
  const again = (
    <button type="button" onClick={tryAgain}>
      {shell.tryAgain}
    </button>
  )
  if (state.kind === 'offline') return <p class="banner">{shell.offline}</p>
  if (state.kind === 'unavailable')
    return (
      <p class="banner">
        {state.isOver ? shell.gaveUp : shell.unavailable} {state.isOver && again}
      </p>
    )
  if (state.kind === 'throttled')
    return (
      <p class="banner">
        {/* Counted down for the eyes only: screen readers get the first number. */}
        <span aria-hidden={secondsLeft > 0}>{secondsLeft > 0 ? shell.throttled(secondsLeft) : shell.throttleOver}</span>
        {secondsLeft === 0 && again}
      </p>
    )
  return (
    <p class="banner">
      {shell.broken} {state.requestId !== undefined && shell.requestId(state.requestId)} {close}
    </p>
  )
}

function tryAgain(): void {
  closeBanner()
  refreshes.value++
}
