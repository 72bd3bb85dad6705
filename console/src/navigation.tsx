import { noteFailure, noteGivenUp } from './banner.ts'
import { isHelpOpen } from './help-state.ts'
import type { ScreenName } from './paths.ts'
import { hrefOf, route } from './route.ts'
import { me, signOut } from './session.ts'
import { text } from './text/text.ts'
import { Menu } from './ui/menu.tsx'

const links = ['items', 'overview', 'changes', 'import'] as const satisfies ScreenName[]

export function Navigation() {
  const { shell } = text
  const { name } = me()
  const current = route.value.screen
  return (
    <header class="top">
      <a class="product" href={hrefOf('items')}>
        {shell.product}
      </a>
      <nav aria-label={shell.navigation}>
        {links.map((screen) => (
          <a key={screen} href={hrefOf(screen)} aria-current={screen === current ? 'page' : undefined}>
            {shell[screen]}
          </a>
        ))}
      </nav>
      <div class="top-end">
        <button
          type="button"
          class="icon"
          aria-label={shell.help}
          title={shell.help}
          onClick={() => (isHelpOpen.value = true)}
        >
          <span aria-hidden="true">?</span>
        </button>
        <Menu label={<span class="clip">{name}</span>} name={shell.accountMenu(name)} class="quiet" isAtEnd>
          <a href={hrefOf('account')}>{shell.account}</a>
          <button type="button" onClick={() => void signOutOrTell()}>
            {shell.signOut}
          </button>
        </Menu>
      </div>
    </header>
  )
}

async function signOutOrTell(): Promise<void> {
  await signOut().catch(() => {
    noteFailure()
    noteGivenUp()
  })
}
