import { mediaTypeOf, UnexpectedResponseError } from './errors.ts'

/** Takes what is needed from a successful response. `hold` keeps the signals of the call until what it returns is called. */
export type Read<T> = (response: Response, hold: () => () => void) => Promise<T> | T

/** Reads JSON of a shape. */
export function asJson<T>(isShape: (value: unknown) => value is T): Read<T> {
  return async (response) => {
    if (mediaTypeOf(response) !== 'application/json') throw await unexpected(response)
    const value = parse(await response.text())
    if (!isShape(value)) throw new UnexpectedResponseError(response.status, 'it sent JSON of another shape.')
    return value
  }
}

/** Reads nothing: the response has no content. */
export async function asNothing(response: Response): Promise<void> {
  await response.arrayBuffer()
}

/** Passes the body on as a stream, during which the signals of the call still count. */
export function asStream(mediaType: string): Read<Response> {
  return async (response, hold) => {
    if (mediaTypeOf(response) !== mediaType) throw await unexpected(response)
    if (response.body === null) return response
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    // An error reaches the reader through the stream itself.
    void response.body
      .pipeTo(writable)
      .catch(() => {})
      .finally(hold())
    return new Response(readable, response)
  }
}

/** @throws UnexpectedResponseError that names the target, if the response redirects or a custom fetch followed it */
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

/** The error for a response whose status or media type does not fit. Its body is not read. */
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

/** The query of a redirect may carry what the request said. */
function withoutSecrets(target: string, url: string): string {
  try {
    const { origin, pathname } = new URL(target, url)
    return origin + pathname
  } catch {
    return 'an invalid address'
  }
}
