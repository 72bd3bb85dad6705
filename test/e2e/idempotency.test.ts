import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { ada, tea } from '../support/fixtures.ts'
import { json, realStores, signInAt, startService } from '../support/service.ts'
import { eventually } from '../support/until.ts'

test('retries with keys create each item once if services die', async (t: TestContext) => {
  // The coverage of those that are killed would be lost anyway.
  const env = await realStores(t)
  const [survivor, ...victims] = await Promise.all([1, 2, 3].map(() => startService(t, env)))
  const url = survivor?.url ?? ''
  const headers = { ...json, ...(await signInAt(url, ada.email)) }
  const created = new Map<string, string | undefined>()
  const post = async (at: string, key: string) => {
    const body = JSON.stringify(tea)
    const answer = await fetch(`${at}/items`, { method: 'POST', headers: { ...headers, 'idempotency-key': key }, body })
    return answer.status === 201 ? ((await answer.json()) as { id: string }).id : undefined
  }
  const postUntilKilled = async (at: string) => {
    for (;;) {
      const key = randomUUID()
      created.set(key, undefined)
      created.set(key, await post(at, key))
    }
  }
  const kills = victims.map(async (victim) => {
    const posting = Array.from({ length: 8 }, () => postUntilKilled(victim.url))
    await sleep(50 + Math.random() * 200)
    await Promise.all([victim.end('SIGKILL'), Promise.allSettled(posting)])
  })
  await Promise.all(kills)
  t.assert.ok([...created.values()].includes(undefined))

  for (const [key, first] of created) {
    const id = await eventually(
      () => post(url, key),
      (made) => made !== undefined,
    )
    t.assert.strictEqual(id, first ?? id)
    created.set(key, id)
  }
  const items = await (await fetch(`${url}/items`, { headers })).json()
  t.assert.deepStrictEqual(new Set(Object.keys(items as object)), new Set(created.values()))
  t.assert.strictEqual(new Set(created.values()).size, created.size)
})
