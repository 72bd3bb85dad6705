import { createHmac, hash, hkdfSync } from 'node:crypto'

import { sql } from 'kysely'
import type { Logger } from 'pino'

import { type Database, inTransaction, runIn } from './database/database.ts'
import type { Session } from './database/long-transaction.ts'
import { deleteInBatches, purgeHourly } from './database/purging.ts'
import type { Metrics } from './observability/metrics/metrics.ts'
import { Problem } from './problems.ts'

export interface PreparedWrite<Response> {
  response: Response
  /** The manager whom the result is about: the key is deleted with them. */
  owner: string
  write: (transaction?: Database) => Promise<void>
}

export interface IdempotentResult<Response> {
  response: Response
  isReplayed: boolean
}

export interface KeyedRequest {
  /** A key is unique within a scope, such as an operation of a manager. */
  scope: string
  key: string | undefined
  body: object
}

/** A write that makes its response in a transaction that the caller begins. */
export interface KeyedWrite<Response> extends KeyedRequest {
  owner: string
  write: () => Promise<Response>
}

export interface Idempotency {
  // Runs what `build` prepares once per key, which the transaction of the write stores. Failed requests do not store their key.
  run<Response>(
    request: KeyedRequest,
    build: () => Promise<PreparedWrite<Response>>,
  ): Promise<IdempotentResult<Response>>
  /** The same for a write in the transaction of `session`. */
  runInSession<Response>(session: Session, request: KeyedWrite<Response>): Promise<IdempotentResult<Response>>
  close(): void
}

const retentionMs = 24 * 60 * 60 * 1000

// Fingerprints are useless without the secrets. The first makes new ones; the others are for those from before a rotation.
export function openIdempotency(db: Database, secrets: string[], log: Logger, metrics: Metrics): Idempotency {
  const count = (result: string) =>
    metrics.counter('stockroom_idempotent_requests_total', 'Requests with an Idempotency-Key.', { result })
  const counters = { new: count('new'), replayed: count('replayed') }
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'idempotency keys', 32)))
  const stopPurging = purgeHourly('expired idempotency keys', () => purgeExpired(db), log)

  // The body may contain a password. Even with the secret its hash cannot be attacked, because the key is not stored.
  const identify = ({ scope, key, body }: KeyedRequest & { key: string }): KeyId => {
    const named = JSON.stringify([scope, unquoted(key)])
    const fingerprints = keys.map((each) =>
      createHmac('sha256', each).update(named).update(canonical(body)).digest('base64url'),
    )
    return { keyHash: hash('sha256', named, 'base64url'), fingerprints }
  }

  const runWithKey = async <Response>(id: KeyId, build: () => Promise<PreparedWrite<Response>>) => {
    // A different body is rejected below, after the work of a new request, so that passwords cannot be guessed by time.
    const known = await find(runIn(db), id)
    if (known?.isSame) return replay<Response>(known.response)
    return writeOnce(db, id, await build())
  }

  const counted = <Response>(result: IdempotentResult<Response>) => {
    counters[result.isReplayed ? 'replayed' : 'new'].add()
    return result
  }

  return {
    async run<Response>({ key, ...request }: KeyedRequest, build: () => Promise<PreparedWrite<Response>>) {
      if (key !== undefined) return counted(await runWithKey(identify({ key, ...request }), build))
      const { response, write } = await build()
      await write()
      return { response, isReplayed: false }
    },
    async runInSession<Response>(session: Session, { key, owner, write, ...request }: KeyedWrite<Response>) {
      if (key === undefined) return { response: await write(), isReplayed: false }
      const query: Query = (text, values) => session.query(text, values)
      const id = identify({ key, ...request })
      await lock(query, id)
      const known = await find(query, id)
      if (known) return counted(replay<Response>(responseOf(known)))
      const response = await write()
      await insertKey(query, id, response, owner)
      return counted({ response, isReplayed: false })
    },
    close: stopPurging,
  }
}

interface KeyId {
  keyHash: string
  /** By each secret. */
  fingerprints: string[]
}

type Query = (text: string, values: unknown[]) => Promise<{ rows: unknown[]; rowCount: number | null }>

function writeOnce<Response>(
  db: Database,
  id: KeyId,
  { response, owner, write }: PreparedWrite<Response>,
): Promise<IdempotentResult<Response>> {
  return inTransaction(db, async (transaction) => {
    const query = runIn(transaction)
    await lock(query, id)
    if (await insertKey(query, id, response, owner)) {
      await write(transaction)
      return { response, isReplayed: false }
    }
    return replay<Response>(responseOf(await find(query, id)))
  })
}

/** RFC 8941 §3.3.3 quotes a key; both forms are equal. */
function unquoted(key: string): string {
  return key.startsWith('"') ? key.slice(1, -1).replaceAll(/\\(.)/g, '$1') : key
}

/** JSON whose members are sorted. */
function canonical(body: object): string {
  return JSON.stringify(body, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  })
}

function replay<Response>(response: string): IdempotentResult<Response> {
  return { response: JSON.parse(response) as Response, isReplayed: true }
}

interface Known {
  response: string
  isSame: boolean
}

async function find(query: Query, { keyHash, fingerprints }: KeyId): Promise<Known | undefined> {
  const { rows } = await query('select fingerprint, answer from idempotency_keys where key_hash = $1', [keyHash])
  const [row] = rows as { fingerprint: string; answer: string }[]
  return row && { response: row.answer, isSame: fingerprints.includes(row.fingerprint) }
}

/** @throws Problem idempotency_key_reused */
function responseOf(known: Known | undefined): string {
  if (!known?.isSame) throw reused()
  return known.response
}

/** Locks the key, across replicas, until the transaction ends. @throws Problem idempotency_key_in_use */
async function lock(query: Query, { keyHash }: KeyId): Promise<void> {
  const { rows } = await query('select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free', [keyHash])
  if (!(rows as { free: boolean }[])[0]?.free) throw inUse()
}

async function insertKey(query: Query, { keyHash, fingerprints }: KeyId, response: unknown, owner: string) {
  const values = [keyHash, fingerprints[0], JSON.stringify(response), new Date(), owner]
  return (await query(insertRow, values)).rowCount === 1
}

const insertRow = `
  insert into idempotency_keys (key_hash, fingerprint, answer, created_at, store_manager_id) values ($1, $2, $3, $4, $5)
  on conflict (key_hash) do nothing`

function purgeExpired(db: Database): Promise<void> {
  const where = sql`created_at < ${new Date(Date.now() - retentionMs)}`
  return deleteInBatches(db, { table: 'idempotency_keys', key: 'key_hash', where })
}

function inUse(): Problem {
  const detail = 'A request with this Idempotency-Key is still in progress. Try again later.'
  return new Problem('idempotency_key_in_use', detail, { headers: { 'retry-after': '1' } })
}

function reused(): Problem {
  const detail = 'This Idempotency-Key was already used with a different request. Use a new key.'
  return new Problem('idempotency_key_reused', detail)
}
