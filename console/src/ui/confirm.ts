import { signal } from '@preact/signals'

export interface Question {
  title: string
  body?: string
  /** The verb on the button, such as "Delete 7 items". */
  action: string
  isDanger?: boolean
}

export const openQuestion = signal<(Question & { resolve: (isConfirmed: boolean) => void }) | undefined>(undefined)

/** Asks before something that is hard to revert. */
export function confirm(question: Question): Promise<boolean> {
  openQuestion.peek()?.resolve(false)
  return new Promise((resolve) => (openQuestion.value = { ...question, resolve }))
}
