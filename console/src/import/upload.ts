import { ConnectionError, type ImportReport, type Problem, StockroomError } from '../api.ts'
import { base } from '../route.ts'
import { waitForSignIn } from '../session.ts'

const attempts = 3
const longestWaitSeconds = 10

interface UploadOptions {
  isDry: boolean
  /** The change set carries it, so that it can be found after a lost response. */
  requestId: string
  signal: AbortSignal
  /** Called with the part that was sent, from 0 to 1. */
  onProgress: (part: number) => void
}

/**
 * Sends a file to the import. Each row has an ID, so it is sent again after a lost response. @throws StockroomError, or
 * ConnectionError
 */
export async function upload(file: Blob, options: UploadOptions): Promise<ImportReport> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send(file, options)
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof StockroomError && error.status === 401) {
        await waitForSignIn(options.signal)
        continue
      }
      const wait = waitAfter(error)
      if (attempt === attempts || wait === undefined) throw error
      await new Promise((resolve) => setTimeout(resolve, wait * 1000))
    }
  }
}

/** Hexadecimal digits, because `crypto.randomUUID` is missing on plain HTTP. */
export function newRequestId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function waitAfter(error: unknown): number | undefined {
  if (error instanceof ConnectionError) return 1
  if (!(error instanceof StockroomError) || (error.status !== 429 && error.status !== 503)) return undefined
  const { retryAfter = 1 } = error
  return retryAfter <= longestWaitSeconds ? retryAfter : undefined
}

/** By XMLHttpRequest, because `fetch` reports no progress of what it sends. */
function send(file: Blob, { isDry, requestId, signal, onProgress }: UploadOptions): Promise<ImportReport> {
  const query = new URLSearchParams({ mode: 'upsert', on_error: 'skip', ...(isDry && { dry_run: 'true' }) })
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = () => request.abort()
    request.open('POST', `${base}api/items/import?${query.toString()}`)
    request.setRequestHeader('content-type', 'text/csv')
    request.setRequestHeader('x-request-id', requestId)
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total))
    request.addEventListener('load', () => {
      if (request.status === 200) resolve(JSON.parse(request.responseText) as ImportReport)
      else reject(toError(request))
    })
    request.addEventListener('error', () => reject(new ConnectionError('The import was interrupted.', true)))
    request.addEventListener('abort', () => reject(new DOMException('The import was canceled.', 'AbortError')))
    request.addEventListener('loadend', () => signal.removeEventListener('abort', abort))
    signal.addEventListener('abort', abort)
    request.send(file)
  })
}

function toError(request: XMLHttpRequest): StockroomError {
  const { status } = request
  const headers = ['retry-after', 'x-request-id'].flatMap((name): [string, string][] => {
    const value = request.getResponseHeader(name)
    return value === null ? [] : [[name, value]]
  })
  return new StockroomError(new Response(null, { status, headers }), problemIn(request.responseText))
}

function problemIn(body: string): Problem | undefined {
  try {
    return JSON.parse(body) as Problem
  } catch {
    return undefined
  }
}
