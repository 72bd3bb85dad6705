import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'

import { client } from '../api.ts'
import { explainSignIn } from '../session-dialog.tsx'
import { loadSession, me, signOut } from '../session.ts'
import { areKeysOn, theme, type Theme } from '../settings.ts'
import { more } from '../text/more.ts'
import { Checkbox } from '../ui/checkbox.tsx'
import { confirm } from '../ui/confirm.ts'
import { SelectField } from '../ui/field.tsx'
import { FormError } from '../ui/form.tsx'
import { Heading } from '../ui/heading.tsx'
import { toast } from '../ui/toasts.tsx'
import { AccountForm } from './account-form.tsx'
import { DeleteAccount } from './delete.tsx'

export function AccountScreen() {
  const { account: words } = more
  return (
    <div class="page narrow">
      <div class="page-head">
        <Heading title={words.title} />
      </div>
      <div class="stack">
        <Section title={words.profile}>
          <NameForm />
        </Section>
        <Section title={words.email}>
          <EmailForm />
        </Section>
        <Section title={words.password}>
          <PasswordForm />
        </Section>
        <Section title={words.preferences}>
          <Preferences />
        </Section>
        <Section title={words.session}>
          <SignOut />
        </Section>
        <Section title={words.delete}>
          <DeleteAccount />
        </Section>
      </div>
    </div>
  )
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId()
  return (
    <section class="card stack" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  )
}

/** Sends a change, and says that it is done. */
async function save(change: Promise<unknown>, message: string): Promise<void> {
  await change
  await loadSession()
  toast(message)
}

function NameForm() {
  const { account: words } = more
  return (
    <AccountForm
      fields={{ name: { label: words.name, hint: words.nameHint, autocomplete: 'name', initial: me().name } }}
      send={(values) => save(client.me.update(values), words.saved)}
      action={words.save}
      isForChanges
    />
  )
}

function EmailForm() {
  const { account: words } = more
  return (
    <AccountForm
      fields={{
        email: { label: words.newEmail, hint: words.emailHint, autocomplete: 'email', initial: me().email },
        current_password: { label: words.present, autocomplete: 'current-password' },
      }}
      send={(values) => save(client.me.update(values), words.emailChanged)}
      action={words.changeEmail}
    />
  )
}

function PasswordForm() {
  const { account: words } = more
  return (
    <AccountForm
      fields={{
        password: { label: words.newPassword, hint: words.passwordHint, autocomplete: 'new-password' },
        current_password: { label: words.present, autocomplete: 'current-password' },
      }}
      send={(values) => save(client.me.update(values), words.passwordChanged)}
      action={words.changePassword}
    >
      <p class="muted">{words.passwordEnds}</p>
      {/* Password managers need it to know which password this is. */}
      <input type="email" name="email" autocomplete="username" value={me().email} readOnly hidden />
    </AccountForm>
  )
}

function Preferences() {
  const { account: words } = more
  return (
    <>
      <SelectField
        label={words.theme}
        name="theme"
        value={theme.value}
        onChange={({ currentTarget }) => (theme.value = currentTarget.value as Theme)}
      >
        {(Object.keys(words.themes) as Theme[]).map((name) => (
          <option key={name} value={name}>
            {words.themes[name]}
          </option>
        ))}
      </SelectField>
      <div>
        <Checkbox
          label={words.keys}
          checked={areKeysOn.value}
          onChange={({ currentTarget }) => (areKeysOn.value = currentTarget.checked)}
        />
        <p class="hint">{words.keysHint}</p>
      </div>
    </>
  )
}

function SignOut() {
  const { account: words } = more
  const [error, setError] = useState<string>()
  const leave = async (everywhere: boolean) => {
    const { everywhereTitle: title, everywhereBody: body, signOutEverywhere: action } = words
    if (everywhere && !(await confirm({ title, body, action }))) return
    await signOut({ everywhere }).catch((failure: unknown) => setError(explainSignIn(failure)))
  }
  return (
    <>
      <p class="muted">{words.sessionHint}</p>
      <FormError>{error}</FormError>
      <div class="actions">
        <button type="button" onClick={() => void leave(false)}>
          {words.signOut}
        </button>
        <button type="button" onClick={() => void leave(true)}>
          {words.signOutEverywhere}
        </button>
      </div>
    </>
  )
}
