import { effect } from '@preact/signals'
import { render } from 'preact'

import './styles/base.css'
import './styles/controls.css'
import './styles/shell.css'
import './styles/dialogs.css'
import './styles/items.css'
import './styles/items-dialogs.css'
import './styles/screens.css'
import './styles/overview.css'
import './styles/changes.css'
import './styles/import.css'
import { watchConnection } from './banner.ts'
import { guardDrafts } from './drafts.ts'
import { prefetchList } from './items/store.ts'
import { followLinks, guardTraversal, route } from './route.ts'
import { isLikelySignedIn, refreshes, requestSession, session, watchSession } from './session.ts'
import { keepSettings } from './settings.ts'
import { Shell } from './shell.tsx'
import { chooseText, language } from './text/text.ts'

void start()

/** Not with a top-level await: the other languages import this bundle, which would then wait for itself. */
async function start(): Promise<void> {
  requestEarly()
  await chooseText(navigator.languages)
  document.documentElement.lang = language
  keepSettings()
  followLinks()
  guardTraversal()
  guardDrafts()
  watchSession()
  watchConnection(() => refreshes.value++)
  render(<Shell />, document.body)
}

/** Each takes a round trip: the session, the first list, and the texts come together. */
function requestEarly(): void {
  const early = new AbortController()
  requestSession()
  if (isLikelySignedIn() && route.peek().screen === 'items') prefetchList(early.signal)
  effect(() => {
    if (session.value?.manager === null) early.abort()
  })
}
