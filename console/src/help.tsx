import { isHelpOpen } from './help-state.ts'
import { more } from './text/more.ts'
import { text } from './text/text.ts'
import { Modal } from './ui/modal.tsx'

/** The list of keys. */
export function Help() {
  const { shell } = text
  const { help: keys } = more
  const groups: [title: string, rows: [keys: string[], what: string][]][] = [
    [
      keys.anywhere,
      [
        [['/'], keys.search],
        [['n'], keys.create],
        [['g i'], keys.goItems],
        [['g o'], keys.goOverview],
        [['g c'], keys.goChanges],
        [['?'], keys.help],
      ],
    ],
    [
      keys.inList,
      [
        [['↑', '↓', 'k', 'j'], keys.rows],
        [['Enter'], keys.open],
        [['e'], keys.price],
        [['x', 'Shift x'], keys.select],
        [['Delete'], keys.remove],
        [['[', ']'], keys.pages],
      ],
    ],
    [
      keys.inForms,
      [
        [['Ctrl Enter', '⌘ Enter'], keys.save],
        [['Esc'], keys.escape],
      ],
    ],
  ]
  return (
    <Modal title={shell.help} onClose={() => (isHelpOpen.value = false)}>
      <p>{keys.intro}</p>
      {groups.map(([title, rows]) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl class="keys">
            {rows.map(([names, what]) => (
              <div key={what}>
                <dt>
                  {names.map((name) => (
                    <kbd key={name}>{name}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Modal>
  )
}
