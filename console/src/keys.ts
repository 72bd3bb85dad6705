export interface KeyPress {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  shiftKey: boolean
}

export interface KeyContext {
  /** Single letters act; the manager can switch them off. */
  areOn: boolean
  /** The focus is in a field, or a dialog or menu is open. */
  isTyping: boolean
}

const prefix = 'g'
const sequenceMs = 1_500

/** Names of keys such as `/`, `n`, `g i`, or `Shift+x`. Keys with Ctrl, Alt, or ⌘ are left to the browser. */
export function createKeyReader(): (press: KeyPress, context: KeyContext, now?: number) => string | undefined {
  let startedAt = -Infinity
  return ({ key, ctrlKey, metaKey, altKey, shiftKey }, { areOn, isTyping }, now = Date.now()) => {
    if (isTyping || ctrlKey || metaKey || altKey || key === 'Shift') return undefined
    if (!areOn && key.length === 1) return undefined
    const isSecond = now - startedAt < sequenceMs
    startedAt = -Infinity
    const lower = key.length === 1 ? key.toLowerCase() : key
    if (isSecond) return `${prefix} ${lower}`
    if (lower === prefix && !shiftKey) {
      startedAt = now
      return undefined
    }
    return shiftKey && /^[a-z]$/.test(lower) ? `Shift+${lower}` : lower
  }
}
