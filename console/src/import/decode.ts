export type Encoding = 'utf-8' | 'windows-1252' | 'utf-16le' | 'utf-16be'

export type Unreadable = 'workbook' | 'pdf' | 'compressed' | 'binary' | 'json' | 'empty' | 'no_rows'

export class UnreadableFile extends Error {
  override name = 'UnreadableFile'
  readonly reason: Unreadable

  constructor(reason: Unreadable) {
    super(reason)
    this.reason = reason
  }
}

/** Long enough to be quick, short enough for one slice. */
const pieceLength = 64 * 1024

const signatures: [start: string, reason: Unreadable][] = [
  ['504b0304', 'workbook'],
  ['d0cf11e0', 'workbook'],
  ['25504446', 'pdf'],
  ['1f8b', 'compressed'],
]

/** Encodings to try in this order: text that is not UTF-8 is Windows-1252. @throws UnreadableFile */
export async function encodingsOf(file: Blob): Promise<Encoding[]> {
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer())
  const hex = Array.from(start, (byte) => byte.toString(16).padStart(2, '0')).join('')
  if (hex.startsWith('fffe')) return ['utf-16le']
  if (hex.startsWith('feff')) return ['utf-16be']
  if (hex.startsWith('efbbbf')) return ['utf-8']
  const reason = signatures.find(([signature]) => hex.startsWith(signature))?.[1]
  if (reason) throw new UnreadableFile(reason)
  // Latin letters in UTF-16 have a zero in every second byte.
  if (/^(?:[^0].|.[^0])00(?:[^0].|.[^0])00/.test(hex)) return ['utf-16le']
  if (/^00(?:[^0].|.[^0])00(?:[^0].|.[^0])/.test(hex)) return ['utf-16be']
  if (start.includes(0)) throw new UnreadableFile('binary')
  return ['utf-8', 'windows-1252']
}

/** The text in pieces of at most 64 Ki characters. @throws TypeError if it is not in this encoding */
export async function* textOf(file: Blob, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true })
  const reader = file.stream().getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true })
      for (let at = 0; at < text.length; at += pieceLength) yield text.slice(at, at + pieceLength)
      if (done) return
    }
  } finally {
    await reader.cancel()
  }
}
