import type { ComponentType } from 'preact'

import { ItemsScreen } from './items/list.tsx'
import { MissingScreen } from './missing.tsx'
import type { Route } from './paths.ts'
import { loadMore } from './text/more.ts'

type Loader = () => Promise<ComponentType>

/** Screens that are loaded when they are shown for the first time. */
const lazy: Partial<Record<Route['screen'], Loader>> = {
  'sign-in': async () => (await import('./sign-in/sign-in.tsx')).SignInScreen,
  overview: async () => (await import('./overview/overview.tsx')).OverviewScreen,
  changes: async () => (await import('./changes/changes.tsx')).ChangesScreen,
  import: async () => (await import('./import/wizard.tsx')).ImportScreen,
  account: async () => (await import('./account/account.tsx')).AccountScreen,
}

const loaded = new Map<Route['screen'], ComponentType>([
  ['items', ItemsScreen],
  ['missing', MissingScreen],
])

/** The screen if it has been loaded. */
export function loadedScreen(name: Route['screen']): ComponentType | undefined {
  return loaded.get(name)
}

export async function loadScreen(name: Route['screen']): Promise<ComponentType> {
  const screen = loaded.get(name) ?? (await loadLazy(name)) ?? MissingScreen
  loaded.set(name, screen)
  return screen
}

async function loadLazy(name: Route['screen']): Promise<ComponentType | undefined> {
  const [screen] = await Promise.all([lazy[name]?.(), loadMore()])
  return screen
}
