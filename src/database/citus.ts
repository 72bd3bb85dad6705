import { setTimeout as sleep } from 'node:timers/promises'

import { DatabaseError } from 'pg'

import { storeUnavailable } from '../problems.ts'
import type { Engine, Run, Selection } from './engine.ts'

const settleIntervalMs = 20

// Citus distributes `items`; all other tables are on the coordinator, which the service connects to. Citus can neither lock items
// of several nodes in a SELECT nor join and record them in a statement that writes. So a transaction copies the items that it may
// write to a temporary table of the same name, and writes what has changed there back to the nodes.
export function openCitus(schema: string): Engine {
  const items = `"${schema}".items`
  return {
    writesTogether: false,
    // A union with tables of the coordinator is planned again each time, which takes longer than all else.
    readsTogether: false,
    // A plan for any keys would not know their nodes.
    plans: 'auto',
    estimates: false,
    joinsLaterally: false,
    limitLocks: (ms) => [`set local citus.propagate_set_commands = 'local'`, `set local lock_timeout = ${ms}`],
    // Otherwise, a transaction has several connections to a node, and none sees what another has written for the foreign key.
    beforeManagers: [`set local citus.multi_shard_modify_mode = 'sequential'`],

    async withItems(session, selection, work) {
      const run: Run = (text, values) => session.query(text, values)
      // Citus would let only one transaction at a time write items of several nodes. Deadlocks are resolved, and tried again.
      await run('set local citus.enable_deadlock_prevention = off')
      await fetch(run, items, selection)
      const result = await work()
      if (!selection.isRead) await writeBack(run, items)
      await run('drop table pg_temp.items, pg_temp.former_items')
      return result
    },

    // A transaction is prepared on the other nodes, then committed here, then committed there.
    async settle(run) {
      const before = await preparedTransactions(run)
      for (let left = before; left.length > 0; left = left.filter((id) => before.includes(id))) {
        await sleep(settleIntervalMs)
        left = await preparedTransactions(run)
      }
    },
  }
}

async function preparedTransactions(run: Run): Promise<string[]> {
  const { rows } = await run(listPrepared)
  return (rows as Answer[]).flatMap(({ success, result }) => {
    if (!success) throw storeUnavailable('PostgreSQL', new Error(result))
    return result === '' ? [] : result.split(' ')
  })
}

interface Answer {
  success: boolean
  result: string
}

const listPrepared = `
  select success, coalesce(result, '') as result from run_command_on_workers(
    $$select string_agg(gid, ' ') from pg_prepared_xacts where database = current_database() and gid like 'citus%'$$)`

/** An update that changes nothing locks items on all nodes, and returns their latest versions. */
async function fetch(run: Run, items: string, { where, values = [], isRead }: Selection): Promise<void> {
  await run(`create temp table items (like ${items} including defaults) on commit drop`)
  const statement = isRead
    ? `select * from ${items} where ${where}`
    : `update ${items} set position = position where ${where} returning *`
  if (where !== undefined) {
    await run(`with selected as (${statement}) insert into pg_temp.items select * from selected`, values)
  }
  await run('create index on pg_temp.items (id)')
  await run('create temp table former_items on commit drop as select id, version from pg_temp.items')
  await run('analyze pg_temp.items, pg_temp.former_items')
}

const columns = ['name', 'category', 'price_usd', 'in_stock', 'store_manager_id', 'version', 'position', 'updated_at']

/** Every update of an item increments its version. */
async function writeBack(run: Run, items: string): Promise<void> {
  const gone = `select id from pg_temp.former_items where id not in (select id from pg_temp.items)`
  const changed = `
    select items.* from pg_temp.items join pg_temp.former_items using (id) where items.version <> former_items.version`
  const added = `select * from pg_temp.items where id not in (select id from pg_temp.former_items)`
  const counts = await run(`
    select (select count(*)::integer from (${gone}) as gone) as gone,
      (select count(*)::integer from (${changed}) as changed) as changed,
      (select count(*)::integer from (${added}) as added) as added`)
  const [expected] = counts.rows as [{ gone: number; changed: number; added: number }]
  const write = async (count: number, statement: string) => {
    if (count === 0) return
    const { rowCount } = await run(statement).catch(withOwnCode)
    if (rowCount !== count) throw new Error(`wrote ${rowCount} of ${count} items`)
  }
  const assignments = columns.map((column) => `${column} = changed.${column}`).join(', ')
  await write(expected.gone, `delete from ${items} where id in (${gone})`)
  await write(
    expected.changed,
    `update ${items} set ${assignments} from (${changed}) as changed where items.id = changed.id`,
  )
  await write(
    expected.added,
    `insert into ${items} (id, created_at, ${columns.join(', ')}) select id, created_at, ${columns.join(', ')} from (${added}) as added`,
  )
}

const codes: [message: RegExp, code: string][] = [
  [/items_pkey/, '23505'],
  [/items_store_manager_id_foreign/, '23503'],
  [/deadlock detected/, '40P01'],
]

/** New items are copied to the nodes, and Citus reports what a node says to a copy as XX000. */
function withOwnCode(error: unknown): never {
  if (error instanceof DatabaseError && error.code === 'XX000') {
    error.code = codes.find(([message]) => message.test(error.message))?.[1] ?? error.code
  }
  throw error
}
