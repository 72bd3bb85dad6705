import type { Token } from '../../auth/claims.ts'
import type { TokenCheck } from '../../auth/token-check.ts'
import type { Readiness } from '../../lifecycle/readiness.ts'
import type { Problem } from '../../problems.ts'

/** Requests that may wait long, which end with their tokens. */
export interface Followers {
  /** @returns what is aborted when the token ends or the process drains; dispose of it when the request is over */
  join(token: Token): Follower
}

export interface Follower extends Disposable {
  controller: AbortController
}

interface Ends {
  checkToken: TokenCheck['checkToken']
  readiness: Pick<Readiness, 'draining'>
}

/** Milliseconds. */
const checkInterval = 1_000
/** A store may be down for a moment, but a token that cannot be checked for longer counts as ended. */
const maxFailures = 3

interface Session {
  token: Token
  failures: number
  controllers: Set<AbortController>
}

/** Checks the token of each manager's requests once per interval, however many requests there are. */
export function openFollowers({ checkToken, readiness: { draining } }: Ends): Followers {
  const sessions = new Map<string, Session>()
  let timer: NodeJS.Timeout | undefined

  const end = ({ controllers }: Session, reason: unknown) => {
    for (const controller of controllers) controller.abort(reason)
  }
  draining.addEventListener('abort', () => {
    for (const session of sessions.values()) end(session, draining.reason)
  })
  const check = async (session: Session) => {
    try {
      await checkToken(session.token)
      session.failures = 0
    } catch (error) {
      session.failures++
      if ((error as Problem).code !== 'invalid_token' && session.failures < maxFailures) return
      end(session, error)
    }
  }
  const checkAll = async () => {
    await Promise.all([...sessions.values()].map(check))
    timer = sessions.size > 0 ? setTimeout(() => void checkAll(), checkInterval) : undefined
  }

  return {
    join(token) {
      const controller = new AbortController()
      const session = sessions.get(token.jti) ?? { token, failures: 0, controllers: new Set() }
      session.controllers.add(controller)
      sessions.set(token.jti, session)
      timer ??= setTimeout(() => void checkAll(), checkInterval)
      return {
        controller,
        [Symbol.dispose]() {
          session.controllers.delete(controller)
          if (session.controllers.size === 0 && sessions.get(token.jti) === session) sessions.delete(token.jti)
        },
      }
    },
  }
}
