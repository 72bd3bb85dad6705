import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

import type { Item } from '../api.ts'
import { money, parsePrice, plainPrice } from '../format.ts'
import { canWrite } from '../session.ts'
import { text } from '../text/text.ts'
import { editing, nextEditable, notes, type PriceNote, savePrice, setNote } from './price.ts'

/** A price that its owner changes in place. */
export function PriceCell({ item }: { item: Item }) {
  const button = useRef<HTMLButtonElement>(null)
  const note = notes.value.get(item.id)
  if (!canWrite(item.store_manager_id)) return <>{money(item.price_usd)}</>
  if (editing.value === item.id) return <PriceEditor key={item.id} item={item} />
  return (
    <>
      <button
        ref={button}
        type="button"
        class="price"
        aria-label={text.items.changePrice(money(item.price_usd), item.name)}
        onClick={() => (editing.value = item.id)}
      >
        {money(item.price_usd)}
      </button>
      {note !== undefined && <Note item={item} note={note} />}
    </>
  )
}

function PriceEditor({ item }: { item: Item }) {
  const { items: words } = text
  const note = notes.peek().get(item.id)
  const [typed, setTyped] = useState(plainPrice(note?.kind === 'error' ? note.mine : item.price_usd))
  const [isInvalid, setIsInvalid] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  // Enter commits, and so does the loss of focus that follows.
  const isDone = useRef(false)
  const id = useId()
  // Before the next key is typed.
  useLayoutEffect(() => {
    input.current?.focus()
    input.current?.select()
  }, [])

  const end = (next: string | undefined) => {
    isDone.current = true
    editing.value = next
    if (next === undefined) focusPrice(item.id)
  }
  const commit = (next: () => string | undefined, isLeaving = false) => {
    if (isDone.current) return
    const price = parsePrice(typed)
    if (price === undefined) {
      setIsInvalid(true)
      return
    }
    if (isLeaving) {
      isDone.current = true
      if (editing.peek() === item.id) editing.value = undefined
    } else {
      end(next())
    }
    void savePrice(item, price)
  }
  return (
    <>
      <input
        ref={input}
        class="price-input"
        inputMode="decimal"
        autocomplete="off"
        aria-label={words.priceOf(item.name)}
        aria-invalid={isInvalid}
        aria-describedby={isInvalid ? id : undefined}
        value={typed}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value)
          setIsInvalid(false)
        }}
        onBlur={() => commit(() => undefined, true)}
        onKeyDown={(event) => {
          if (event.isComposing) return
          if (event.key === 'Enter') {
            event.preventDefault()
            commit(() => nextEditable(item.id))
          } else if (event.key === 'Escape') {
            event.stopPropagation()
            setNote(item.id, undefined)
            end(undefined)
          }
        }}
      />
      {isInvalid && (
        <p class="error" id={id} role="alert">
          {words.notAPrice}
        </p>
      )}
    </>
  )
}

function Note({ item, note }: { item: Item; note: PriceNote }) {
  const { items: words } = text
  if (note.kind === 'error')
    return (
      <div class="note" role="alert">
        <p class="error">{words.notSaved(money(note.mine), note.message)}</p>
        <button type="button" class="link" onClick={() => (editing.value = item.id)}>
          {words.editAgain}
        </button>
      </div>
    )
  const end = () => {
    setNote(item.id, undefined)
    focusPrice(item.id)
  }
  return (
    <div class="note" role="alert">
      <p>{words.madeMeanwhile(note.by, money(note.theirs))}</p>
      <button type="button" onClick={end}>
        {words.keepTheirs(money(note.theirs))}
      </button>
      <button
        type="button"
        onClick={() => {
          end()
          void savePrice(item, note.mine)
        }}
      >
        {words.applyMine(money(note.mine))}
      </button>
    </div>
  )
}

/** After the input is gone, the button takes its place in the row. Before the next key is typed, as Preact renders. */
export function focusPrice(id: string): void {
  queueMicrotask(() => document.querySelector<HTMLElement>(`tr[data-id="${id}"] .price`)?.focus())
}
