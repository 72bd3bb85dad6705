import { createClient } from '../../src/client/client.ts'
import { clearBanner, noteFailure, noteResponse } from './banner.ts'
import { base } from './route.ts'
import { waitForSignIn } from './session.ts'

export * from '../../src/client/client.ts'

/** The client of the API; the session's cookie identifies the manager. */
export const client = createClient({ baseUrl: `${base}api`, retries: 2, maxRetryDelay: 4, fetch: watchedFetch })

/** Such as `items/export?format=csv`, for links that download. */
export function apiHref(path: string, query: URLSearchParams): string {
  return `${base}api/${path}?${query.toString()}`
}

/** Reports the state of the service in the banner, and repeats a request after the manager has signed in again. */
async function watchedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    const response = await fetch(input, init)
    if (response.status === 401) {
      await waitForSignIn(init?.signal)
      return await fetch(input, init)
    }
    if (response.ok) clearBanner()
    else noteResponse(response)
    return response
  } catch (error) {
    if (init?.signal?.aborted !== true && error instanceof TypeError) noteFailure()
    throw error
  }
}
