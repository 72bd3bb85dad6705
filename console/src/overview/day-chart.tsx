import type { ChangeSet } from '../api.ts'
import { date } from '../format.ts'
import { hrefOf } from '../route.ts'
import { more } from '../text/more.ts'
import { countDays, type Day } from './days.ts'

interface Props {
  sets: ChangeSet[]
  isComplete: boolean
  now: Date
  isMine: boolean
}

/** A bar for each day; on narrow screens, a list of the days that had changes. */
export function DayChart({ sets, isComplete, now, isMine }: Props) {
  const { overview: words } = more
  const days = countDays(sets, now)
  const most = Math.max(...days.map(({ changes }) => changes))
  return (
    <section class="card stack" aria-labelledby="per-day">
      <h2 id="per-day">{isMine ? words.myPerDay : words.perDay}</h2>
      {!isComplete && <p class="muted">{words.partial(sets.length)}</p>}
      {most === 0 ? (
        <p class="muted">{words.noChanges}</p>
      ) : (
        <ol class="days">
          {days.map((day, index) => (
            <li key={day.day} class={day.changes === 0 ? 'none' : undefined}>
              <DayBar {...day} most={most} isMine={isMine} />
              {index % 7 === 1 && (
                <span class="tick" aria-hidden="true">
                  {dayMonth.format(new Date(`${day.day}T12:00`))}
                </span>
              )}
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

const dayMonth = new Intl.DateTimeFormat([...navigator.languages], { day: 'numeric', month: 'short' })
const leastHeight = 4

function DayBar({ day, changes, most, isMine }: Day & { most: number; isMine: boolean }) {
  const label = more.overview.onDay(date(`${day}T12:00`), changes)
  const height = changes === 0 ? 0 : leastHeight + (changes / most) * (100 - leastHeight)
  const bar = (
    <>
      <svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true">
        <rect y={100 - height} width="10" height={height} />
      </svg>
      <span class="label">{label}</span>
    </>
  )
  if (changes === 0) return <span class="day">{bar}</span>
  return (
    <a
      class="day"
      href={hrefOf('changes', new URLSearchParams({ day, ...(isMine && { manager: 'me' }) }))}
      title={label}
    >
      {bar}
    </a>
  )
}
