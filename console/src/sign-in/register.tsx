import { AccountForm } from '../account/account-form.tsx'
import { client } from '../api.ts'
import { explainSignIn } from '../session-dialog.tsx'
import { signIn } from '../session.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'

/** Registers, and signs in. */
export function RegisterForm() {
  const { signIn: words } = more
  const { shell } = text
  return (
    <AccountForm
      fields={{
        name: { label: words.name, hint: words.nameHint, autocomplete: 'name' },
        email: { label: shell.email, hint: words.emailHint, autocomplete: 'username' },
        password: { label: shell.password, hint: words.passwordHint, autocomplete: 'new-password' },
      }}
      send={async (values) => {
        await client.register(values)
        try {
          return await signIn(values.email, values.password)
        } catch (failure) {
          return { fields: {}, form: explainSignIn(failure) }
        }
      }}
      action={words.create}
      isPrimary
      isFocused
    />
  )
}
