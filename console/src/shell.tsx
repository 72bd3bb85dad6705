import { useEffect, useState } from 'preact/hooks'

import { BannerLine } from './banner-line.tsx'
import { isHelpOpen } from './help-state.ts'
import { Navigation } from './navigation.tsx'
import { place, route } from './route.ts'
import { loadedScreen, loadScreen } from './screens.ts'
import { isOver, loadSession, requireManager, session } from './session.ts'
import { text } from './text/text.ts'
import { openQuestion } from './ui/confirm.ts'
import { lazy } from './ui/lazy.tsx'
import { useLoad } from './ui/load.ts'
import { Toasts } from './ui/toasts.tsx'
import { useGlobalKeys } from './use-keys.ts'

const Help = lazy(async () => (await import('./help.tsx')).Help)
const ConfirmDialog = lazy(async () => (await import('./ui/confirm-dialog.tsx')).ConfirmDialog)
const SessionDialog = lazy(async () => (await import('./session-dialog.tsx')).SessionDialog)

/** What all screens have around them. */
export function Shell() {
  const start = useLoad(loadSession, [])
  const manager = session.value?.manager
  const isSignedIn = Boolean(manager)
  const isKnown = session.value !== undefined
  useEffect(() => {
    if (isKnown) requireManager()
  }, [isKnown, place.value])
  useGlobalKeys(isSignedIn)
  return (
    <>
      <a class="skip" href="#content" onClick={skipToContent}>
        {text.shell.skip}
      </a>
      {isSignedIn && <Navigation />}
      <BannerLine />
      <main id="content" tabIndex={-1}>
        {start.error !== undefined && <p class="error">{text.shell.broken}</p>}
        {isKnown && (isSignedIn || route.value.screen === 'sign-in') && <CurrentScreen />}
      </main>
      <Toasts />
      {isHelpOpen.value && <Help />}
      {openQuestion.value && <ConfirmDialog />}
      {isOver.value && manager && <SessionDialog email={manager.email} />}
    </>
  )
}

function CurrentScreen() {
  const name = route.value.screen
  const [, setLoads] = useState(0)
  const Screen = loadedScreen(name)
  useEffect(() => {
    if (Screen === undefined) void loadScreen(name).then(() => setLoads((count) => count + 1))
  }, [name])
  return Screen === undefined ? null : <Screen />
}

function skipToContent(event: MouseEvent): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('main')?.focus()
}
