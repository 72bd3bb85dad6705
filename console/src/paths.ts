export const screens = ['items', 'overview', 'changes', 'import', 'account', 'sign-in'] as const
export type ScreenName = (typeof screens)[number]

/** What a path below the base of the console shows. */
export interface Route {
  screen: ScreenName | 'missing'
  /** Of the screen `items`: the item in the drawer, or `new`. */
  item?: string
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** @param path below the base, such as `items/new` */
export function parsePath(path: string): Route {
  const [name = '', item, ...more] = path.replace(/\/$/, '').split('/')
  if (name === '') return { screen: 'items' }
  const screen = screens.find((each) => each === name)
  if (screen === undefined || more.length > 0) return { screen: 'missing' }
  if (item === undefined) return { screen }
  const isItem = screen === 'items' && (item === 'new' || uuid.test(item))
  return isItem ? { screen, item: item.toLowerCase() } : { screen: 'missing' }
}

/** Where to go after signing in: paths of the console only, because links may come from anywhere. */
export function safeTarget(to: string | null, base: string, origin: string): string {
  const home = `${base}items`
  if (to === null) return home
  try {
    const url = new URL(to, origin)
    const isOwn = url.origin === origin && url.pathname.startsWith(base)
    return isOwn && parsePath(url.pathname.slice(base.length)).screen !== 'sign-in' ? url.pathname + url.search : home
  } catch {
    return home
  }
}
