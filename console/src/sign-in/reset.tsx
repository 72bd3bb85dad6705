import { AccountForm } from '../account/account-form.tsx'
import { client } from '../api.ts'
import { more } from '../text/more.ts'

/** Sets a new password with a code of the operator. */
export function ResetForm({ onDone }: { onDone: () => void }) {
  const { signIn: words } = more
  return (
    <AccountForm
      fields={{
        code: { label: words.code, hint: words.codeHint, autocomplete: 'one-time-code' },
        password: { label: words.newPassword, hint: words.passwordHint, autocomplete: 'new-password' },
      }}
      send={async (values) => {
        await client.resetPassword(values)
        onDone()
      }}
      action={words.setPassword}
      isPrimary
      isFocused
    />
  )
}
