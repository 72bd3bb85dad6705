import { useState } from 'preact/hooks'

import { explain } from '../explain.ts'

/** The state of something that a button does. */
export function useAction() {
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const run = (action: () => Promise<void>) => {
    if (isBusy) return
    setIsBusy(true)
    setFailure(undefined)
    void action()
      .catch((error: unknown) => setFailure(explain(error)))
      .finally(() => setIsBusy(false))
  }
  return { isBusy, failure, run }
}

export function Failure({ message }: { message: string | undefined }) {
  return message === undefined ? null : (
    <p class="error" role="alert">
      {message}
    </p>
  )
}
