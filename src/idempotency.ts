import { createHmac, hash, hkdfSync } from 'node:crypto'

import { type Insertable, sql } from 'kysely'
import type { Logger } from 'pino'

import { type Database, inTransaction } from './database/database.ts'
import type { Tables } from './database/entities.ts'
import { Problem } from './problems.ts'

/** What is made, and what makes it. */
export interface PreparedWrite<Answer> {
  answer: Answer
  /** The manager whom the answer is about. It is forgotten when they are deleted. */
  owner: string
  /** Writes it, in `transaction` if there is one. */
  write: (transaction?: Database) => Promise<void>
}

export interface IdempotentResult<Answer> {
  answer: Answer
  /** Whether it is the answer to an earlier request with the same key. */
  isReplayed: boolean
}

export interface KeyedRequest {
  /** Within which a key is one and the same: the operation, and whose it is. */
  scope: string
  /** The value of the header Idempotency-Key, if it was sent. */
  key: string | undefined
  /** A flat object. */
  body: object
}

export interface Idempotency {
  /**
   * Makes what `prepare` prepares, once for each key: the key is kept in the transaction that writes it.
   * Without a key it is just made. What fails keeps no key, for it has made nothing.
   *
   * @throws Problem idempotency_key_in_use or idempotency_key_reused, and whatever `prepare` and `write` throw
   */
  run<Answer>(request: KeyedRequest, build: () => Promise<PreparedWrite<Answer>>): Promise<IdempotentResult<Answer>>
  close(): void
}

/** Milliseconds. */
const retention = 24 * 60 * 60 * 1000
const purgeInterval = 60 * 60 * 1000

/** Rows that one statement deletes, which is far from its time-out. */
const purgeBatchSize = 10_000

/** Keeps keys in `db` for 24 hours. `secret` is what makes their fingerprints worthless to others. */
export function openIdempotency(db: Database, secret: string, log: Logger): Idempotency {
  const fingerprintKey = Buffer.from(hkdfSync('sha256', secret, '', 'idempotency keys', 32))
  const sweeping = setInterval(() => {
    purgeExpired(db).catch((error: unknown) => log.warn({ err: error }, 'failed to purge expired idempotency keys'))
  }, purgeInterval).unref()

  return {
    async run<Answer>({ scope, key, body }: KeyedRequest, prepare: () => Promise<PreparedWrite<Answer>>) {
      if (key === undefined) {
        const { answer, write } = await prepare()
        await write()
        return { answer, isReplayed: false }
      }
      const named = JSON.stringify([scope, unquoted(key)])
      const keyHash = hash('sha256', named, 'base64url')
      // The body may hold a password. A hash of that is safe even from who has the secret, as the key is kept nowhere.
      const fingerprint = createHmac('sha256', fingerprintKey).update(named).update(canonical(body)).digest('base64url')

      // Another body is refused below, after as much work as a new one takes, so that nobody can try passwords here.
      const known = await find(db, keyHash)
      if (known?.fingerprint === fingerprint) return replay<Answer>(known.answer)
      return writeOnce(db, keyHash, fingerprint, await prepare())
    },
    close: () => clearInterval(sweeping),
  }
}

/** Writes what is made together with its key, or gives the answer that the key was kept with. */
function writeOnce<Answer>(
  db: Database,
  keyHash: string,
  fingerprint: string,
  { answer, owner, write }: PreparedWrite<Answer>,
): Promise<IdempotentResult<Answer>> {
  return inTransaction(db, async (transaction) => {
    await lock(transaction, keyHash)
    const row = {
      key_hash: keyHash,
      fingerprint,
      answer: JSON.stringify(answer),
      created_at: new Date(),
      store_manager_id: owner,
    }
    if (await insertKey(transaction, row)) {
      await write(transaction)
      return { answer, isReplayed: false }
    }
    const first = await find(transaction, keyHash)
    if (first?.fingerprint !== fingerprint) throw reused()
    return replay<Answer>(first.answer)
  })
}

/** A key is the same with the quotes of RFC 8941 §3.3.3 and without. */
function unquoted(key: string): string {
  return key.startsWith('"') ? key.slice(1, -1).replaceAll(/\\(.)/g, '$1') : key
}

/** The same JSON for the same fields in whatever order. */
function canonical(body: object): string {
  return JSON.stringify(body, Object.keys(body).toSorted())
}

function replay<Answer>(answer: string): IdempotentResult<Answer> {
  return { answer: JSON.parse(answer) as Answer, isReplayed: true }
}

function find(db: Database, keyHash: string) {
  const query = db.selectFrom('idempotency_keys').select(['fingerprint', 'answer']).where('key_hash', '=', keyHash)
  return query.executeTakeFirst()
}

/** Holds the key, on all replicas, until the transaction ends. @throws Problem idempotency_key_in_use if another one does */
async function lock(transaction: Database, keyHash: string): Promise<void> {
  const query = sql<{ free: boolean }>`select pg_try_advisory_xact_lock(hashtextextended(${keyHash}, 0)) as free`
  const { rows } = await query.execute(transaction)
  if (rows[0]?.free !== true) throw inUse()
}

/** @returns whether the key was not there yet */
async function insertKey(transaction: Database, row: Insertable<Tables['idempotency_keys']>): Promise<boolean> {
  const insert = transaction.insertInto('idempotency_keys').values(row)
  const { numInsertedOrUpdatedRows } = await insert
    .onConflict((conflict) => conflict.column('key_hash').doNothing())
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}

async function purgeExpired(db: Database): Promise<void> {
  const old = db.selectFrom('idempotency_keys').where('created_at', '<', new Date(Date.now() - retention))
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
