import { mediaTypeOf, UnexpectedResponseError } from './errors.ts'

/** Reads a successful response. `hold` keeps the signals of the call active until the function it returns is called. */
export type Read<T> = (response: Response, hold: () => () => void) => Promise<T> | T

export function asJson<T>(isShape: (value: unknown) => value is T): Read<T> {
  return async (response) => {
    if (mediaTypeOf(response) !== 'application/json') throw await unexpected(response)
    const value = parse(await response.text())
    if (!isShape(value)) throw new UnexpectedResponseError(response.status, 'it sent JSON of another shape.')
    return value
  }
}

export async function discardBody(response: Response): Promise<void> {
  await response.arrayBuffer()
}

export function asStream(mediaType: string): Read<Response> {
  return async (response, hold) => {
    if (mediaTypeOf(response) !== mediaType) throw await unexpected(response)
    if (response.body === null) return response
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    // The stream itself reports the error to its reader.
    void response.body
      .pipeTo(writable)
      .catch(() => {})
      .finally(hold())
    return new Response(readable, response)
  }
}

export async function refuseRedirect(response: Response, url: string): Promise<void> {
  const isRedirect = response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)
  if (!isRedirect && !response.redirected) return
  await response.body?.cancel()
  const target = isRedirect ? response.headers.get('location') : response.url
  const where = target === null ? 'another address, which the browser does not reveal' : withoutSecrets(target, url)
  throw new UnexpectedResponseError(
    response.status,
    `it redirects to ${where}. Redirects are not followed: use the address of the service itself.`,
  )
}

export async function unexpected(response: Response): Promise<UnexpectedResponseError> {
  await response.body?.cancel()
  const type = mediaTypeOf(response) || 'no media type'
  return new UnexpectedResponseError(response.status, `it sent ${response.status} with ${type}. Check the address.`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The query of a redirect may contain data of the request. */
function withoutSecrets(target: string, url: string): string {
  try {
    const { origin, pathname } = new URL(target, url)
    return origin + pathname
  } catch {
    return 'an invalid address'
  }
}
