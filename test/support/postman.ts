import assert from 'node:assert/strict'

import converter from 'openapi-to-postmanv2'

interface Pair {
  key: string
  value: string
  disabled?: boolean
}

/** A request of a collection, as far as Postman's format (v2.1) is used here. */
interface CollectionRequest {
  method: string
  url: { path: string[]; query: Pair[]; variable: Pair[] }
  header: Pair[]
  auth: { bearer: Pair[] } | null
  body?: { mode?: 'raw' | 'urlencoded'; raw: string; urlencoded: Pair[] }
}

interface Folder {
  item?: Folder[]
  request?: CollectionRequest
}

/** The requests that openapi-to-postmanv2 makes of an OpenAPI document, by method and path. */
export type Collection = Map<string, CollectionRequest>

export function toCollection(document: object, enableOptionalParameters: boolean): Promise<Collection> {
  const options = { parametersResolution: 'Example', enableOptionalParameters } as const
  return new Promise((resolve, reject) => {
    converter.convertV2({ type: 'json', data: document }, options, (error, conversion) => {
      const [converted] = conversion?.output ?? []
      if (error || !converted) return reject(error ?? new Error(conversion?.reason))
      resolve(new Map(requestsIn(converted.data as Folder).map((each) => [nameOf(each), each])))
    })
  })
}

function requestsIn({ item = [], request }: Folder): CollectionRequest[] {
  return [...(request ? [request] : []), ...item.flatMap(requestsIn)]
}

function nameOf({ method, url }: CollectionRequest): string {
  return `${method} /${url.path.join('/')}`
}

/**
 * Sends requests of a collection as Postman does, with what its user fills in: where the service is, the token, and IDs.
 * newman would do so in 150 packages more, and could not take the token from one response into the next request.
 */
export function openRunner(collection: Collection, baseUrl: string) {
  let bearerToken = ''
  return async (name: string, variables: Record<string, string> = {}): Promise<Response> => {
    const request = collection.get(name)
    if (!request) throw new Error(`the collection has no ${name}`)
    const { method, url, header, auth } = request
    const path = url.path.map((part) => (part.startsWith(':') ? (variables[part.slice(1)] ?? part) : part))
    const query = new URLSearchParams(enabled(url.query))
    const headers = new Headers(enabled(header))
    if (auth) headers.set('authorization', `Bearer ${bearerToken}`)
    const address = `${baseUrl}/${path.join('/')}?${query.toString()}`
    const response = await fetch(address, { method, headers, ...bodyOf(request) })
    const text = await response.clone().text()
    assert.ok(response.ok, `${name}: ${response.status} ${text}`)
    if (name.endsWith('/token')) bearerToken = JSON.parse(text).access_token
    return response
  }
}

function bodyOf({ body }: CollectionRequest): { body?: string } {
  if (body?.mode === 'raw') return { body: body.raw }
  if (body?.mode === 'urlencoded') return { body: new URLSearchParams(enabled(body.urlencoded)).toString() }
  return {}
}

function enabled(pairs: Pair[]): [key: string, value: string][] {
  return pairs.filter(({ disabled }) => !disabled).map(({ key, value }) => [key, value])
}
