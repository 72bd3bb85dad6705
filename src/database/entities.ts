import { defineEntity, p } from '@mikro-orm/core'
import type { InferKyselyDB } from '@mikro-orm/sql'

import { categories, maxNameLength } from './constraints.ts'
import { costOfHash, foldedEmail } from './managers.ts'
import { indexOfWords, nameCollation } from './name-collation.ts'

// CHECK expressions are written as PostgreSQL prints them, or every new revision would contain them again.
const nameLength = `char_length(name) >= 1 and char_length(name) <= ${maxNameLength}`

/** Operators with large tables may have created these indexes beforehand, `concurrently` (see README.md). */
const index = (name: string, columns: string) => ({
  name,
  expression: `create index if not exists ${name} on items (${columns})`,
})

const StoreManagerEntity = defineEntity({
  name: 'StoreManager',
  tableName: 'store_managers',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    email: p.text(),
    passwordHash: p.text(),
    /** Tokens of earlier generations are revoked, except `keptToken`. */
    tokenGeneration: p.integer().default(0),
    keptToken: p.uuid().nullable(),
    tokensEndedAt: p.datetime().nullable(),
    disabledAt: p.datetime().nullable(),
  },
  checks: [{ name: 'store_managers_name_check', expression: nameLength }],
  uniques: [
    {
      name: 'store_managers_email_key_folded',
      expression: `create unique index store_managers_email_key_folded on store_managers (${foldedEmail})`,
    },
  ],
  indexes: [
    {
      name: 'store_managers_cost_index',
      expression: `create index store_managers_cost_index on store_managers (${costOfHash})`,
    },
  ],
})

const ItemEntity = defineEntity({
  name: 'Item',
  tableName: 'items',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    category: p.enum(categories),
    priceUsd: p.decimal('number').columnType('numeric'),
    inStock: p.boolean(),
    storeManager: () => p.manyToOne(StoreManagerEntity),
    version: p.bigint('string').defaultRaw('1'),
    /** Null for items of versions before this column. */
    createdAt: p.datetime().nullable().defaultRaw('now()'),
    updatedAt: p.datetime().defaultRaw('now()'),
    position: p.bigint('string').defaultRaw('0'),
  },
  checks: [
    { name: 'items_name_check', expression: nameLength },
    { name: 'items_price_usd_check', expression: `price_usd >= 0 and price_usd < 'Infinity'::numeric` },
  ],
  // Each makes writes slower; docs/reference/internals.md gives the reasons.
  indexes: [
    index('items_name_index', `name collate ${nameCollation}, id`),
    index('items_price_usd_index', 'price_usd, id'),
    index('items_store_manager_id_index', 'store_manager_id, id'),
    index('items_summary_index', 'category, in_stock, price_usd'),
    index('items_updated_at_index', 'updated_at, id'),
    { name: 'items_words_index', expression: indexOfWords },
  ],
})

const RevokedTokenEntity = defineEntity({
  name: 'RevokedToken',
  tableName: 'revoked_tokens',
  properties: {
    jti: p.uuid().primary(),
    storeManager: () => p.manyToOne(StoreManagerEntity).deleteRule('cascade'),
    expiresAt: p.datetime(),
    revokedAt: p.datetime(),
  },
})

const TokenUseEntity = defineEntity({
  name: 'TokenUse',
  tableName: 'token_uses',
  properties: {
    jti: p.uuid().primary(),
    usedAt: p.datetime(),
  },
})

const IdempotencyKeyEntity = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  properties: {
    keyHash: p.text().primary(),
    fingerprint: p.text(),
    answer: p.text(),
    createdAt: p.datetime().index('idempotency_keys_created_at_index'),
    /** Null in rows of versions before this column. */
    storeManager: () =>
      p
        .manyToOne(StoreManagerEntity)
        .nullable()
        .deleteRule('cascade')
        // A registration writes its key before the manager.
        .deferMode('deferred')
        .index('idempotency_keys_store_manager_id_index'),
  },
})

/** What one request changed. Its manager may be deleted later, so it refers to none and keeps their name. */
const ChangeSetEntity = defineEntity({
  name: 'ChangeSet',
  tableName: 'change_sets',
  properties: {
    /** A UUIDv7, which has the time of the set. */
    id: p.uuid().primary(),
    kind: p.text(),
    source: p.text(),
    /** Null for changes of an operator. */
    storeManagerId: p.uuid().nullable(),
    storeManagerName: p.text().nullable(),
    requestId: p.text().nullable(),
    created: p.integer(),
    updated: p.integer(),
    deleted: p.integer(),
    /** Of a set that has one item by its kind; null for others. */
    itemId: p.uuid().nullable(),
    undoes: p.uuid().nullable(),
    undoneBy: p.uuid().nullable(),
  },
  indexes: [{ name: 'change_sets_store_manager_id_index', properties: ['storeManagerId', 'id'] }],
})

/** A change of one item. It refers to no set: the lock on its row would be one more for every write. */
const ItemChangeEntity = defineEntity({
  name: 'ItemChange',
  tableName: 'item_changes',
  properties: {
    itemId: p.uuid().primary(),
    changeSetId: p.uuid().primary(),
    kind: p.text(),
    version: p.bigint('string'),
    name: p.text(),
    nameFrom: p.text().nullable(),
    categoryFrom: p.text().nullable(),
    categoryTo: p.text().nullable(),
    priceUsdFrom: p.decimal('number').columnType('numeric').nullable(),
    priceUsdTo: p.decimal('number').columnType('numeric').nullable(),
    inStockFrom: p.boolean().nullable(),
    inStockTo: p.boolean().nullable(),
    ownerFrom: p.uuid().nullable(),
    ownerTo: p.uuid().nullable(),
    /** In the feed: at least that of the transaction, and that of the change before of the same item. */
    position: p.bigint('string').defaultRaw('0'),
    isPart: p.boolean().default(false),
  },
  indexes: [
    { name: 'item_changes_position_index', properties: ['position', 'itemId'] },
    {
      name: 'item_changes_parts_index',
      expression: 'create index item_changes_parts_index on item_changes (change_set_id, item_id) where is_part',
    },
  ],
})

/** One row. */
const ChangeFeedEntity = defineEntity({
  name: 'ChangeFeed',
  tableName: 'change_feed',
  properties: {
    id: p.integer().primary().autoincrement(false),
    /** Another one after each restore, which tells cursors of another history from those of this one. */
    feedId: p.uuid().defaultRaw('gen_random_uuid()'),
    /** Of the cluster; null if the role may not read it. */
    systemIdentifier: p.text().nullable(),
    /** Position minus transaction ID: raised when the database is restored to a cluster whose transaction IDs are lower. */
    positionOffset: p.bigint('string').defaultRaw('0'),
    /** The last position of which changes were purged. */
    purgedPosition: p.bigint('string').defaultRaw('0'),
  },
})

const PasswordResetEntity = defineEntity({
  name: 'PasswordReset',
  tableName: 'password_resets',
  properties: {
    storeManager: () => p.oneToOne(StoreManagerEntity).primary().owner().deleteRule('cascade'),
    codeHash: p.text().unique('password_resets_code_hash_key'),
    expiresAt: p.datetime(),
  },
})

export const entities = [
  StoreManagerEntity,
  ItemEntity,
  RevokedTokenEntity,
  TokenUseEntity,
  IdempotencyKeyEntity,
  PasswordResetEntity,
  ChangeSetEntity,
  ItemChangeEntity,
  ChangeFeedEntity,
] as const

export type Tables = InferKyselyDB<(typeof entities)[number]>
