import { areaUnderCurve } from '../support/curve.ts'
import { password } from '../support/fixtures.ts'
import { openOwnPostgres } from '../support/postgres.ts'
import type { Fault, Site } from './fault.ts'
import { openReplicas, settingsFor } from './service.ts'
import { durable } from './stage.ts'

const known = 'ada@example.com'
const unknown = 'eve@example.com'

/** At the default cost of a password. */
export const timed: Fault = {
  name: 'login-times',
  title: 'Failed logins, timed: of a known email address against an unknown one',
  times: 200,
  async run(site, times) {
    const { server } = await openOwnPostgres(site, durable)
    const { all } = await openReplicas(site, [settingsFor(server)])
    const time = (email: string) => logIn(site, all[0]?.url ?? '', email)
    const measure = async () => {
      const took: Record<string, number[]> = { [known]: [], [unknown]: [] }
      for (let pair = 1; pair <= times; pair++) {
        if (pair % 50 === 0) site.step(`${pair} of ${times}`)
        // The second one finds the machine a little warmer.
        for (const email of pair % 2 ? [known, unknown] : [unknown, known]) took[email]?.push(await time(email))
      }
      return areaUnderCurve(took[known] ?? [], took[unknown] ?? [])
    }
    const areas = [await measure()]
    // Other work of the machine may hide it in one measurement, hardly in two.
    if (!areas.some(isBlind)) areas.push(await measure())
    const told = areas.map((area) => area.toFixed(3)).join(', then ')
    if (!areas.some(isBlind)) site.tally.wrong.push(`the area under the ROC curve is ${told}`)
    return `the area under the ROC curve is ${told} (0.5: they cannot be told apart)`
  },
}

const isBlind = (area: number) => area >= 0.4 && area <= 0.6

/** @returns milliseconds */
async function logIn({ tally }: Site, url: string, username: string): Promise<number> {
  tally.requests++
  const begun = performance.now()
  const body = new URLSearchParams({ username, password: `not ${password}` })
  const answer = await fetch(`${url}/store-managers/token`, { method: 'POST', body })
  await answer.text()
  const took = performance.now() - begun
  if (answer.status !== 401) tally.wrong.push(`a login got ${answer.status}`)
  return took
}
