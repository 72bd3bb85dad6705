import { logOperation } from '../http/security-events.ts'
import { readOperatorConfig, withDatabase } from '../operator/database.ts'
import { endAll } from '../operator/sessions.ts'
import { usageError } from './errors.ts'
import { print } from './output.ts'

export async function endSessions(options: { all?: boolean; json?: boolean }, signal: AbortSignal): Promise<void> {
  if (!options.all) throw usageError('Give --all to sign all managers out, or use manager logout for one of them.')
  const managers = await withDatabase(readOperatorConfig(), signal, async ({ db, log }) => {
    const count = await endAll(db)
    logOperation(log, 'sessions_ended', { managers: count })
    return count
  })
  print(options, { managers }, () => [`Revoked all tokens and reset codes of ${managers} managers.`])
}
