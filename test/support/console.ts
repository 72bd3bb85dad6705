import type { InjectOptions, LightMyRequestResponse } from 'fastify'

import { password } from './fixtures.ts'

type Answer = LightMyRequestResponse
type Send = (options: InjectOptions) => Promise<Answer>

/** What browsers send to https and to localhost, with requests of the page's own origin. */
export const sameOrigin = { 'sec-fetch-site': 'same-origin' }

/** Signs in as the console does. */
export function signInToConsole(
  send: Send,
  email: string,
  { headers = {}, ...more }: { headers?: Record<string, string>; stay?: boolean; password?: string } = {},
): Promise<Answer> {
  return send({
    method: 'POST',
    url: '/console/session',
    headers: { ...sameOrigin, ...headers },
    payload: { email, password, ...more },
  })
}

/** The cookie as a browser sends it back, and its attributes. */
export function cookieIn({ headers }: Answer): { cookie: string; attributes: string } {
  const [cookie = '', ...attributes] = String(headers['set-cookie']).split('; ')
  return { cookie, attributes: attributes.join('; ') }
}
