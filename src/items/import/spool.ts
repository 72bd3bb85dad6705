import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'

import { Problem } from '../../problems.ts'

/** Lines of text that are held in memory while they are few, and in a temporary file after that. */
export interface Spool {
  /** Appends whole lines. @throws Problem store_unavailable if the temporary folder is full, read-only, or missing */
  write(lines: string): Promise<void>
  /** All lines in the order they were written, in pieces of whole lines. @throws Problem store_unavailable */
  read(): AsyncGenerator<string>
  /** Frees the memory and the file. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Characters that are held in memory, so that small imports need no disk. */
const memoryLimit = 1024 * 1024

/** Bytes that are read from the file at once. */
const pieceLength = 256 * 1024

/** @param warn called with each error of the file system */
export function openSpool(warn: (error: unknown) => void): Spool {
  let held: string[] = []
  let length = 0
  let file: FileHandle | undefined

  const onDisk = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      warn(error)
      throw noSpace(error)
    }
  }

  return {
    write(lines) {
      held.push(lines)
      length += lines.length
      if (length <= memoryLimit) return Promise.resolve()
      return onDisk(async () => {
        file ??= await openUnnamed()
        const text = held.join('')
        held = []
        await file.writeFile(text)
      })
    },

    async *read() {
      if (file !== undefined) {
        const decoder = new StringDecoder()
        const bytes = Buffer.allocUnsafe(pieceLength)
        let rest = ''
        for (let position = 0; ;) {
          const { bytesRead } = await onDisk(() => (file as FileHandle).read(bytes, 0, bytes.length, position))
          if (bytesRead === 0) break
          position += bytesRead
          const text = rest + decoder.write(bytes.subarray(0, bytesRead))
          const end = text.lastIndexOf('\n') + 1
          rest = text.slice(end)
          if (end > 0) yield text.slice(0, end)
        }
      }
      yield* held
    },

    async [Symbol.asyncDispose]() {
      held = []
      await file?.close().catch(warn)
    },
  }
}

/** A file that has lost its name already, so the system removes it when this process ends, however that happens. */
async function openUnnamed(): Promise<FileHandle> {
  const path = join(tmpdir(), `stockroom-import-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  try {
    await unlink(path)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

function noSpace(cause: unknown): Problem {
  const detail =
    'The temporary folder of the service is full or not writable. Try again later, or import smaller files.'
  return new Problem('store_unavailable', detail, { headers: { 'retry-after': '30' }, cause })
}
