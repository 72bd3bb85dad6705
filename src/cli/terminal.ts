import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

export interface Terminal extends Disposable {
  ask(question: string): Promise<string>
  askUnseen(question: string): Promise<string>
}

/** `givenUp` makes the error that is thrown on Ctrl-C and Ctrl-D. */
export function openTerminal(givenUp: () => Error): Terminal {
  let isMuted = false
  // Only readline echoes what is typed, and it writes here; the terminal itself is in raw mode.
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) process.stderr.write(chunk)
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
      isMuted = true
      const answer = await ask('')
      isMuted = false
      process.stderr.write('\n')
      return answer
    },
    [Symbol.dispose]: () => lines.close(),
  }
}

/** The first line of standard input, without the byte order mark that some shells write. */
export async function firstLine(refused: (message: string) => Error): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) {
    chunks.push(chunk)
    if (chunk.includes(lineFeed)) break
  }
  const input = Buffer.concat(chunks)
  const end = input.indexOf(lineFeed)
  try {
    const line = utf8.decode(end === -1 ? input : input.subarray(0, end))
    if (!line.includes('\0')) return line.replace(/\r$/, '')
  } catch {
    // Reported below.
  }
  throw refused('Standard input is not valid UTF-8. Encode the password as UTF-8.')
}

const lineFeed = 10
const utf8 = new TextDecoder('utf-8', { fatal: true })

// Escapes control and format characters, which could move the cursor, color the screen, or reverse the text. The escapes are
// valid in JSON. Joiners, which emoji and some scripts need, are harmless.
export function visible(text: string): string {
  return text.replaceAll(unsafe, (characters) =>
    Array.from({ length: characters.length }, (_, at) => {
      const code = characters.charCodeAt(at)
      return `\\u${code.toString(16).padStart(4, '0')}`
    }).join(''),
  )
}

const unsafe = /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]--[\u200c\u200d]]/gv
