import { useState } from 'preact/hooks'

import { discardDrafts } from './drafts.ts'
import { explain } from './explain.ts'
import { hrefOf } from './route.ts'
import { SignInError, signIn } from './session.ts'
import { text } from './text/text.ts'
import { Field } from './ui/field.tsx'
import { Modal } from './ui/modal.tsx'

/** "Sign in again", above everything, so that no input is lost. */
export function SessionDialog({ email }: { email: string }) {
  const { shell } = text
  const [password, setPassword] = useState('')
  const [error, setError] = useState<string>()
  const [isBusy, setIsBusy] = useState(false)
  const submit = async () => {
    setIsBusy(true)
    try {
      await signIn(email, password)
    } catch (failure) {
      setError(explainSignIn(failure))
    }
    setIsBusy(false)
  }
  return (
    // There is no way past it: every request would open it again.
    <Modal title={shell.sessionOver} isAlert onClose={() => {}} isFixed>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isBusy) void submit()
        }}
      >
        <p>{shell.sessionOverWhy}</p>
        <Field label={shell.email} inputMode="email" name="email" autocomplete="username" value={email} readOnly />
        <Field
          label={shell.password}
          type="password"
          name="password"
          autocomplete="current-password"
          value={password}
          error={error}
          required
          onInput={({ currentTarget }) => setPassword(currentTarget.value)}
        />
        <footer class="dialog-foot">
          <a href={hrefOf('sign-in')} onClick={leave}>
            {shell.otherManager}
          </a>
          <button type="submit" class="primary" aria-disabled={isBusy}>
            {shell.signIn}
          </button>
        </footer>
      </form>
    </Modal>
  )
}

/** Why a sign-in failed, for the form. */
export function explainSignIn(error: unknown): string {
  const { shell } = text
  if (!(error instanceof SignInError)) return error instanceof TypeError ? shell.unreachable : explain(error)
  if (error.status === 429) return shell.throttled(Math.ceil(error.retryAfter ?? 1))
  if (error.code === 'account_disabled') return shell.disabled
  if (error.status === 401 || error.status === 422) return shell.wrongPassword
  return error.status >= 502 ? shell.busy : shell.broken
}

/** Loads the page again, so that nothing of the former manager stays. */
function leave(event: MouseEvent): void {
  event.preventDefault()
  discardDrafts()
  location.assign(hrefOf('sign-in'))
}
