import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'

import { Problem } from '../../problems.ts'

export interface Spool {
  /** @throws Problem store_unavailable if the temporary folder is full, read-only, or missing */
  write(lines: string): Promise<void>
  read(): AsyncGenerator<string>
  [Symbol.asyncDispose](): Promise<void>
}

const memoryLimit = 1024 * 1024

/** V8 has longer strings in the old generation, where they would be garbage for long. */
const pieceLength = 32 * 1024

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

/** A file that is already unlinked, so the system removes it however this process ends. */
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
