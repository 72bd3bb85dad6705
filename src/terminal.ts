import * as readline from 'node:readline'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

/** Questions to whoever sits at the terminal. */
export interface Terminal extends Disposable {
  ask(question: string): Promise<string>
  /** The same, without showing what is typed. */
  askUnseen(question: string): Promise<string>
}

/** @param givenUp makes what is thrown if whoever is asked presses Ctrl-C or Ctrl-D */
export function openTerminal(givenUp: () => Error): Terminal {
  let isSilent = false
  // What is typed is shown by readline alone, which writes here; the terminal itself is in raw mode.
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isSilent) process.stderr.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  const closed = new AbortController()
  lines.once('close', () => closed.abort())

  const ask = (question: string) =>
    lines.question(question, { signal: closed.signal }).catch(() => {
      throw givenUp()
    })
  return {
    ask,
    async askUnseen(question) {
      process.stderr.write(question)
      isSilent = true
      const answer = await ask('')
      isSilent = false
      process.stderr.write('\n')
      return answer
    },
    [Symbol.dispose]: () => lines.close(),
  }
}

/** The first line of the standard input, where there is no terminal to ask on. */
export async function firstLine(): Promise<string> {
  for await (const line of readline.createInterface({ input: process.stdin })) return line
  return ''
}
