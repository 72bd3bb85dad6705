import { useEffect, useRef, useState } from 'preact/hooks'

import { missingIn } from '../account/problems.ts'
import { safeTarget } from '../paths.ts'
import { base, go, hrefOf, place } from '../route.ts'
import { explainSignIn } from '../session-dialog.tsx'
import { session, SignInError, signIn } from '../session.ts'
import { more } from '../text/more.ts'
import { text } from '../text/text.ts'
import { Checkbox } from '../ui/checkbox.tsx'
import { Field } from '../ui/field.tsx'
import { Form, FormError, useForm } from '../ui/form.tsx'
import { Heading } from '../ui/heading.tsx'
import { useSecondsUntil } from '../ui/seconds.ts'
import { RegisterForm } from './register.tsx'
import { ResetForm } from './reset.tsx'

const modes = ['sign-in', 'new', 'code'] as const
type Mode = (typeof modes)[number]

/** The way to an account; `to` of the query is where it leads. */
export function SignInScreen() {
  const { signIn: words } = more
  const query = new URLSearchParams(place.value.search)
  const [isPasswordSet, setIsPasswordSet] = useState(false)
  const isSignedIn = Boolean(session.value?.manager)
  useEffect(() => {
    if (isSignedIn) go(safeTarget(query.get('to'), base, location.origin), { replace: true })
  }, [isSignedIn])
  if (isSignedIn) return null
  const isOpen = session.value?.registration === 'open'
  const wanted = modes.find((each) => query.has(each)) ?? 'sign-in'
  const mode = wanted === 'new' && !isOpen ? 'sign-in' : wanted
  const to = query.get('to')
  const hrefTo = (target: Mode) =>
    hrefOf(
      'sign-in',
      new URLSearchParams({ ...(to !== null && { to }), ...(target !== 'sign-in' && { [target]: '' }) }),
    )
  const showSignIn = () => {
    setIsPasswordSet(true)
    go(hrefTo('sign-in'))
  }
  return (
    <div class="page narrow sign-in">
      <p class="product">{text.shell.product}</p>
      <div class="card stack">
        {mode === 'sign-in' && (
          <>
            <Heading title={words.title} />
            <div role="status">{isPasswordSet && <p>{words.passwordSet}</p>}</div>
            <SignInForm />
            <p>
              {words.newHere} {isOpen ? <a href={hrefTo('new')}>{words.create}</a> : words.closed}
            </p>
          </>
        )}
        {mode === 'new' && (
          <>
            <Heading title={words.create} />
            <RegisterForm />
            <p>
              {words.have} <a href={hrefTo('sign-in')}>{words.title}</a>
            </p>
          </>
        )}
        {mode === 'code' && (
          <>
            <Heading title={words.resetTitle} />
            <ResetForm onDone={showSignIn} />
            <p>
              <a href={hrefTo('sign-in')}>{words.back}</a>
            </p>
          </>
        )}
      </div>
      {mode === 'sign-in' && (
        <p class="muted">
          {words.forgotten} <a href={hrefTo('code')}>{words.haveCode}</a>
        </p>
      )}
    </div>
  )
}

function SignInForm() {
  const { signIn: words } = more
  const { shell } = text
  const { values, error, isBusy, field, form } = useForm({ email: '', password: '' })
  const [isStaying, setIsStaying] = useState(false)
  const [retryAt, setRetryAt] = useState(0)
  const secondsLeft = useSecondsUntil(retryAt)
  const first = useRef<HTMLDivElement>(null)
  useEffect(() => first.current?.querySelector('input')?.focus(), [])
  const send = async () => {
    if (secondsLeft > 0) return { fields: {} }
    const missing = missingIn(values)
    if (missing) return missing
    try {
      await signIn(values.email.trim(), values.password, isStaying)
      return undefined
    } catch (failure) {
      if (!(failure instanceof SignInError) || failure.status !== 429)
        return { fields: {}, form: explainSignIn(failure) }
      setRetryAt(Date.now() + (failure.retryAfter ?? 1) * 1000)
      return { fields: {} }
    }
  }
  return (
    <Form {...form(send)}>
      <div class="stack" ref={first}>
        <Field {...field('email')} label={shell.email} inputMode="email" autocomplete="username" />
        <Field {...field('password')} label={shell.password} type="password" autocomplete="current-password" />
        <Checkbox
          label={words.stay}
          checked={isStaying}
          onChange={({ currentTarget }) => setIsStaying(currentTarget.checked)}
        />
        <FormError>{retryAt > 0 ? <Throttled seconds={secondsLeft} /> : error}</FormError>
        <button type="submit" class="primary" aria-disabled={isBusy || secondsLeft > 0}>
          {shell.signIn}
        </button>
      </div>
    </Form>
  )
}

/** Screen readers get the first number, and the end; counting for them would be noise. */
function Throttled({ seconds }: { seconds: number }) {
  const { shell } = text
  const [first] = useState(seconds)
  if (seconds === 0) return <>{shell.throttleOver}</>
  return (
    <>
      <span aria-hidden="true">{shell.throttled(seconds)}</span>
      <span class="visually-hidden">{shell.throttled(first)}</span>
    </>
  )
}
