import type { App } from '../http/types.ts'
import { readCookie } from './cookie.ts'
import { isConsoleCall, sessionPath } from './rewrite.ts'
import { refuseOtherOrigins } from './same-origin.ts'

// Each call must come from a page of the console, with only its cookie. The route authenticates as always, by Authorization.
export function identifyConsoleCalls(app: App): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw, routeOptions } = request
    const isCall = isConsoleCall(raw)
    if (!isCall && routeOptions.url !== sessionPath) return done()
    const refusal = refuseOtherOrigins(request)
    if (refusal) return done(refusal)
    if (isCall) {
      const token = readCookie(request)
      if (token === undefined) delete raw.headers.authorization
      else raw.headers.authorization = `Bearer ${token}`
    }
    done()
  })
}
