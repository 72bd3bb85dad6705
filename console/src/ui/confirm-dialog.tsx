import { openQuestion } from './confirm.ts'
import { DialogFoot } from './dialog-foot.tsx'
import { Modal } from './modal.tsx'

/** Where the shell shows questions. */
export function ConfirmDialog() {
  const question = openQuestion.value
  if (question === undefined) return null
  const end = (isConfirmed: boolean) => {
    openQuestion.value = undefined
    question.resolve(isConfirmed)
  }
  return (
    <Modal title={question.title} isAlert onClose={() => end(false)}>
      {question.body !== undefined && <p>{question.body}</p>}
      <DialogFoot
        action={question.action}
        isDanger={question.isDanger}
        onCancel={() => end(false)}
        onClick={() => end(true)}
      />
    </Modal>
  )
}
