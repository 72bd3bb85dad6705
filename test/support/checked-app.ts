import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import type { TestContext } from 'node:test'

import type { InjectOptions, LightMyRequestResponse } from 'fastify'

import { openTokens } from '../../src/auth/tokens.ts'
import type { Context } from '../../src/context.ts'
import { openApp, type TestApp } from './app.ts'
import { cpuTime } from './cpu-time.ts'
import { type Document, type Operation, readDocument } from './document.ts'
import type { HostileRequest, Sender } from './hostile.ts'

type Answer = LightMyRequestResponse

export interface CheckedApp extends Pick<TestApp, 'app' | 'log' | 'register'>, Document {
  /** Sends a request, and fails if the response is not one that the document lets the service give. */
  send(method: string, url: string, payload?: string | Buffer, headers?: Record<string, string>): Promise<Answer>
  /** Sends as Ada; the body, if there is one, is JSON unless `type` says otherwise. */
  ada(method: string, url: string, body?: string, type?: string): Promise<Answer>
  sendHostile(request: HostileRequest): Promise<Answer>
  adaId: string
  /** An item of Ada, the only one there is, and the change set that gave it its name. */
  itemId: string
  changeId: string
  /** Where `operation` finds them, with the parameters that it requires and `query`. */
  urlOf(operation: Operation, query?: Record<string, string>): string
  /** All that the tables of managers and items hold. */
  rows(): Promise<unknown[]>
}

const readsBody = new Set(['POST', 'PATCH'])
const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Milliseconds that a response may compute: far more than any does, unless something is quadratic. */
const longest = 1_000

/** An application on a schema of its own, each of whose responses is checked. The test says how many there were. */
export async function openCheckedApp(t: TestContext): Promise<CheckedApp> {
  const { app, context, log, register, signIn } = await openApp(t)
  const document = await readDocument(app)
  const ada = await signIn('ada@example.com')
  const bob = await signIn('bob@example.com')
  let sent = 0
  t.after(() => t.diagnostic(`${sent} requests`))

  const send: CheckedApp['send'] = async (method, url, payload, headers = {}) => {
    const body = payload === undefined ? {} : { payload }
    const before = cpuTime()
    const answer = await app.inject({ method, url, headers, ...body } as InjectOptions)
    const computed = cpuTime() - before
    assert.ok(computed < longest, `it computed for ${computed} ms`)
    sent++
    document.check(method, url, answer)
    return answer
  }
  const itemId = randomUUIDv7()
  const changeId = randomUUIDv7()
  const restock = () => replaceItems(context, itemId, changeId, ada.id)
  const authorize = await authorizations(context, ada.id, bob.id)
  await restock()

  return {
    ...document,
    app,
    log,
    register,
    send,
    adaId: ada.id,
    itemId,
    changeId,
    urlOf({ path, parameters }, query = {}) {
      const required = parameters.filter((parameter) => parameter.required)
      const given = required.map(({ name, example }): [string, string] => [name, String(example)])
      const search = new URLSearchParams({ ...Object.fromEntries(given), ...query }).toString()
      return `${path.replace('{id}', path.startsWith('/changes') ? changeId : itemId)}?${search}`
    },
    ada(method, url, body, type = 'application/json') {
      const described = body === undefined ? {} : { 'content-type': type }
      return send(method, url, body, { authorization: `Bearer ${ada.token}`, ...described })
    },
    async sendHostile({ method, url, sender, headers, payload }) {
      const answer = await send(method, url, payload, { ...(await authorize(sender)), ...headers })
      const { statusCode } = answer
      const legible = payload === undefined || !readsBody.has(method) || isUtf8(payload)
      assert.ok(legible || statusCode >= 400, `got ${statusCode} to a body that is not UTF-8`)
      if (!safe.has(method) && statusCode < 300) await restock()
      return answer
    },
    rows: async () => [
      await context.db.selectFrom('items').selectAll().orderBy('id').execute(),
      await context.db.selectFrom('store_managers').selectAll().orderBy('id').execute(),
    ],
  }
}

async function replaceItems({ db }: Context, id: string, changeId: string, owner: string): Promise<void> {
  const item = {
    id,
    name: 'Tea',
    category: 'Grocery',
    price_usd: 4.99,
    in_stock: true,
    store_manager_id: owner,
    version: '2',
  } as const
  const set = {
    id: changeId,
    kind: 'update',
    source: 'api',
    store_manager_id: owner,
    store_manager_name: 'Ada Lovelace',
    item_id: id,
    created: 0,
    updated: 1,
    deleted: 0,
  }
  const change = { item_id: id, change_set_id: changeId, kind: 'update', version: '2', name: 'Tea', name_from: 'Te' }
  for (const table of ['items', 'item_changes', 'change_sets'] as const) await db.deleteFrom(table).execute()
  await db.insertInto('items').values(item).execute()
  await db.insertInto('change_sets').values(set).execute()
  await db.insertInto('item_changes').values(change).execute()
}

/** The header that each sender sends. Tokens are new each time, for a request may end them. */
async function authorizations({ db, tokens, revocations }: Context, owner: string, other: string) {
  const find = db.selectFrom('store_managers').select(['id', 'token_generation'])
  const sign = async (id: string, signer = tokens) =>
    signer.sign((await find.where('id', '=', id).executeTakeFirst()) ?? { id, token_generation: 0 })
  const ended = await sign(owner)
  await revocations.revoke(await tokens.verify(`Bearer ${ended.token}`))
  const forger = openTokens({ secret: randomUUID().repeat(2), algorithm: 'HS256' })
  const signers: Record<Exclude<Sender, 'anonymous'>, () => Promise<{ token: string }>> = {
    owner: () => sign(owner),
    other: () => sign(other),
    gone: () => sign(randomUUID()),
    forged: () => sign(owner, forger),
    'logged out': async () => ended,
  }
  return async (sender: Sender): Promise<Record<string, string>> =>
    sender === 'anonymous' ? {} : { authorization: `Bearer ${(await signers[sender]()).token}` }
}
