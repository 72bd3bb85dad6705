import type * as record from '../../src/changes/record.ts'

export {
  deletionColumns,
  deletionValues,
  fields,
  setArrays,
  setColumns,
  updateColumns,
  updateValues,
} from '../../src/changes/record.ts'

// The same statements without CTEs that nothing references, which PostgreSQL skips.

export const transactionPosition = 'select 0::bigint as position'
export const currentPosition = `current as materialized (${transactionPosition})`
export const recordCreations = 'entries as (select 1)'
export const recordUpdates = recordCreations
export const recordDeletions = recordCreations

export const recordParts: typeof record.recordParts = (insert) => `entries as (select $2::uuid) ${insert}`

export const recordSet: typeof record.recordSet = async () => {}
