import { createHmac, hash, hkdfSync } from 'node:crypto'

import type { Insertable } from 'kysely'
import type { Logger } from 'pino'

import { type Database, inTransaction, runSql } from './database/database.ts'
import type { Tables } from './database/entities.ts'
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

export interface Idempotency {
  // Runs what `build` prepares once per key: the key is stored in the transaction of the write. Failed requests do not store
  // their key.
  run<Response>(
    request: KeyedRequest,
    build: () => Promise<PreparedWrite<Response>>,
  ): Promise<IdempotentResult<Response>>
  close(): void
}

const retentionMs = 24 * 60 * 60 * 1000
const purgeIntervalMs = 60 * 60 * 1000

const purgeBatchSize = 10_000

// The secrets make the fingerprints useless without them. The first makes new ones; those of the others are recognized while the
// secret is rotated.
export function openIdempotency(db: Database, secrets: string[], log: Logger, metrics: Metrics): Idempotency {
  const count = (result: string) =>
    metrics.counter('stockroom_idempotent_requests_total', 'Requests with an Idempotency-Key.', { result })
  const counters = { new: count('new'), replayed: count('replayed') }
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'idempotency keys', 32)))
  const purging = setInterval(() => {
    purgeExpired(db).catch((error: unknown) => log.warn({ err: error }, 'failed to purge expired idempotency keys'))
  }, purgeIntervalMs).unref()

  const runWithKey = async <Response>(
    { scope, key, body }: KeyedRequest & { key: string },
    build: () => Promise<PreparedWrite<Response>>,
  ) => {
    const named = JSON.stringify([scope, unquoted(key)])
    const keyHash = hash('sha256', named, 'base64url')
    // The body may contain a password. Even with the secret its hash cannot be attacked, because the key is not stored.
    const fingerprints = keys.map((each) =>
      createHmac('sha256', each).update(named).update(canonical(body)).digest('base64url'),
    )

    // A different body is rejected below, after as much work as for a new request, so that passwords cannot be guessed by
    // time.
    const known = await find(db, keyHash)
    if (known && fingerprints.includes(known.fingerprint)) return replay<Response>(known.answer)
    return writeOnce(db, keyHash, fingerprints, await build())
  }

  return {
    async run<Response>({ key, ...request }: KeyedRequest, build: () => Promise<PreparedWrite<Response>>) {
      if (key === undefined) {
        const { response, write } = await build()
        await write()
        return { response, isReplayed: false }
      }
      const result = await runWithKey({ key, ...request }, build)
      counters[result.isReplayed ? 'replayed' : 'new'].add()
      return result
    },
    close: () => clearInterval(purging),
  }
}

function writeOnce<Response>(
  db: Database,
  keyHash: string,
  fingerprints: string[],
  { response, owner, write }: PreparedWrite<Response>,
): Promise<IdempotentResult<Response>> {
  return inTransaction(db, async (transaction) => {
    await lock(transaction, keyHash)
    const row = {
      key_hash: keyHash,
      fingerprint: fingerprints[0] ?? '',
      answer: JSON.stringify(response),
      created_at: new Date(),
      store_manager_id: owner,
    }
    if (await insertKey(transaction, row)) {
      await write(transaction)
      return { response, isReplayed: false }
    }
    const first = await find(transaction, keyHash)
    if (!first || !fingerprints.includes(first.fingerprint)) throw reused()
    return replay<Response>(first.answer)
  })
}

/** RFC 8941 §3.3.3 quotes a key; both forms are equal. */
function unquoted(key: string): string {
  return key.startsWith('"') ? key.slice(1, -1).replaceAll(/\\(.)/g, '$1') : key
}

function canonical(body: object): string {
  return JSON.stringify(body, Object.keys(body).toSorted())
}

function replay<Response>(response: string): IdempotentResult<Response> {
  return { response: JSON.parse(response) as Response, isReplayed: true }
}

function find(db: Database, keyHash: string) {
  const query = db.selectFrom('idempotency_keys').select(['fingerprint', 'answer']).where('key_hash', '=', keyHash)
  return query.executeTakeFirst()
}

/** Locks the key, across replicas, until the transaction ends. @throws Problem idempotency_key_in_use */
async function lock(transaction: Database, keyHash: string): Promise<void> {
  const lockKey = 'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free'
  const [row] = await runSql<{ free: boolean }>(transaction, lockKey, [keyHash])
  if (row?.free !== true) throw inUse()
}

async function insertKey(transaction: Database, row: Insertable<Tables['idempotency_keys']>): Promise<boolean> {
  const insert = transaction.insertInto('idempotency_keys').values(row)
  const { numInsertedOrUpdatedRows } = await insert
    .onConflict((conflict) => conflict.column('key_hash').doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}

async function purgeExpired(db: Database): Promise<void> {
  const old = db.selectFrom('idempotency_keys').where('created_at', '<', new Date(Date.now() - retentionMs))
  const keys = old.select('key_hash').limit(purgeBatchSize)
  for (;;) {
    const { numDeletedRows } = await db
      .deleteFrom('idempotency_keys')
      .where('key_hash', 'in', keys)
      .executeTakeFirstOrThrow()
    if (numDeletedRows < purgeBatchSize) return
  }
}

function inUse(): Problem {
  return new Problem(
    'idempotency_key_in_use',
    'A request with this Idempotency-Key is still in progress. Try again later.',
    {
      headers: { 'retry-after': '1' },
    },
  )
}

function reused(): Problem {
  const detail = 'This Idempotency-Key was already used with a different body. Use a new key.'
  return new Problem('idempotency_key_reused', detail)
}
