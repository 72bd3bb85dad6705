import { setTimeout as sleep } from 'node:timers/promises'

import { tea } from '../../test/support/fixtures.ts'
import type { Prometheus } from '../../test/support/prometheus.ts'
import { json } from '../../test/support/service.ts'
import { eventually } from '../../test/support/until.ts'
import { queries } from '../monitoring/dashboard.ts'

/** The queries of the dashboard to which Prometheus has no result. */
export async function findUnanswered(query: Prometheus['query']): Promise<string[]> {
  const unanswered: string[] = []
  for (const expression of queries())
    await eventually(
      () => query(expression.replaceAll('$__rate_interval', '10s')),
      (samples) => samples.some(({ value }) => !Number.isNaN(value)),
    ).catch(() => unanswered.push(expression))
  return unanswered
}

/** Creates and reads items, with a token and without. @returns what failed */
export async function keepWorking(
  url: string,
  identity: Record<string, string>,
  over: AbortSignal,
  failures: string[] = [],
): Promise<string[]> {
  const headers = { ...identity, ...json }
  while (!over.aborted) {
    try {
      const created = await fetch(`${url}/items`, { method: 'POST', headers, body: JSON.stringify(tea) })
      const { id } = (await created.json()) as { id: string }
      const read = await fetch(`${url}/items/${id}`, { headers })
      const refused = await fetch(`${url}/items/${id}`)
      await Promise.all([read.text(), refused.text()])
      const statuses = [created, read, refused].map(({ status }) => status).join(' ')
      if (statuses !== '201 200 401') failures.push(statuses)
    } catch (error) {
      failures.push(String(error))
    }
    await sleep(50)
  }
  return failures
}
