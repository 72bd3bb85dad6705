import type { ChangeSet } from '../api.ts'
import { go, hrefOf } from '../route.ts'
import { me } from '../session.ts'
import { more } from '../text/more.ts'
import { Field, SelectField } from '../ui/field.tsx'
import { type ChangesPlace, hasFilters, kinds, type Kind, toSearch } from './query.ts'

/** They apply immediately. */
export function ChangeFilters({ place, sets }: { place: ChangesPlace; sets: ChangeSet[] }) {
  const { changes: words } = more
  const change = (next: Partial<ChangesPlace>) =>
    go(hrefOf('changes', toSearch({ ...place, after: undefined, ...next })))
  const other = place.manager !== undefined && place.manager !== 'me' ? place.manager : undefined
  const name = sets.find(({ store_manager: manager }) => manager?.id === other)?.store_manager?.name
  return (
    <div class="change-filters">
      <SelectField
        label={words.who}
        name="manager"
        value={place.manager ?? ''}
        onChange={({ currentTarget: { value } }) => change({ manager: value === '' ? undefined : value })}
      >
        <option value="">{words.everyone}</option>
        <option value="me">{words.me}</option>
        {other !== undefined && other !== me().id && <option value={other}>{name ?? words.otherOwner}</option>}
      </SelectField>
      <SelectField
        label={words.kind}
        name="kind"
        value={place.kind ?? ''}
        onChange={({ currentTarget: { value } }) => change({ kind: value === '' ? undefined : (value as Kind) })}
      >
        <option value="">{words.allKinds}</option>
        {kinds.map((kind) => (
          <option key={kind} value={kind}>
            {words.kinds[kind]}
          </option>
        ))}
      </SelectField>
      <Field
        label={words.day}
        name="day"
        type="date"
        value={place.day ?? ''}
        onChange={({ currentTarget: { value } }) => change({ day: value === '' ? undefined : value })}
      />
      {hasFilters(place) && (
        <a class="button quiet" href={hrefOf('changes')}>
          {words.clear}
        </a>
      )}
    </div>
  )
}
