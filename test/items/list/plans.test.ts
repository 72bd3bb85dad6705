import { before, test, type TestContext } from 'node:test'

import { Kysely, PostgresDialect } from 'kysely'
import type { Client } from 'pg'

import type { Database } from '../../../src/database/database.ts'
import type { Tables } from '../../../src/database/entities.ts'
import { openEngine } from '../../../src/database/open-engine.ts'
import { countQuery, pageQuery } from '../../../src/items/list/page.ts'
import { summaryQuery } from '../../../src/items/list/summary.ts'
import { deleteItems, updateItems } from '../../../src/items/mutation-statements.ts'
import { type ListQuery, type Sort, sorts } from '../../../src/items/query/schemas.ts'
import { encodeCursor } from '../../../src/items/query/sort.ts'
import { expansions } from '../../../src/items/schemas.ts'
import { openSchema } from '../../support/app.ts'
import { withoutIndexes } from '../../support/bulk.ts'
import { onlyPlain } from '../../support/citus.ts'
import { closeAfter } from '../../support/cleanup.ts'
import { schemaClient } from '../../support/schema-client.ts'
import { until } from '../../support/until.ts'

const onNodes = onlyPlain('the coordinator of Citus does not show the plans of its nodes')

const rows = 200_000
/** More rows than this are most of the table, so to sort them before the first one is given. */
const few = rows / 20
const managers = 200
const me = managerId(7)

/** Those that let most items pass: to count them is to read them all. */
const passed = new Set(['no filter', 'in stock', 'a highest price that most keep to'])

const filters: Record<string, ListQuery> = {
  'no filter': {},
  'a common category': { category: ['Grocery'] },
  'a rare category': { category: ['Pet'] },
  'several categories': { category: ['Pet', 'Apparel', 'Stationery'] },
  'in stock': { in_stock: true },
  'out of stock': { in_stock: false },
  'an owner': { store_manager_id: 'me' },
  'a range of prices': { min_price: 10, max_price: 20 },
  'a least price that few reach': { min_price: 999 },
  'a highest price that most keep to': { max_price: 900 },
  'a common word': { q: 'tea' },
  'rare words with accents': { q: 'CRÈME brulee 77' },
  'a word that no name has': { q: 'xylophone' },
  'all of them': {
    category: ['Grocery', 'Pet'],
    in_stock: true,
    store_manager_id: 'me',
    min_price: 1,
    max_price: 500,
    q: 'tea',
  },
}

// Nothing is asked of it but the text of queries.
const db: Database = new Kysely<Tables>({
  dialect: new PostgresDialect({ pool: async () => Promise.reject(new Error()) }),
})
let client: Client

before(async (t) => {
  const { server, schema } = await openSchema(t as TestContext)
  client = schemaClient(server, schema)
  await client.connect()
  closeAfter(t as TestContext, () => client.end())
  await fill()
})

for (const [name, filter] of Object.entries(filters)) {
  test(`with ${name} every sort uses an index`, { skip: onNodes }, async (t: TestContext) => {
    for (const sort of sorts) {
      for (const expand of [false, true]) {
        const query: ListQuery = { ...filter, sort, ...(expand && { expand: [...expansions] }) }
        assertIndexed(t, await explain(pageQuery(db, query, me)), `${name}, ${sort}`)
        const next = { ...query, after: await cursorAt(sort, 0.5) }
        assertIndexed(t, await explain(pageQuery(db, next, me)), `${name}, ${sort}, further on`)
      }
    }
    const counted = await explain(countQuery(db, { ...filter, count: 'exact' }, me))
    if (!passed.has(name)) assertIndexed(t, counted, `${name}, count`)
    // Whatever the plan, it looks at each item that matches once.
    assertIndexed(t, await explain(summaryQuery(db, openEngine({}, ''), filter, me)), `${name}, summary`, rows)
  })
}

test('a batch of writes finds its items by the primary key', { skip: onNodes }, async (t: TestContext) => {
  await client.query('set plan_cache_mode = force_generic_plan')
  for (const [name, statement] of Object.entries({ updateItems, deleteItems })) {
    await client.query(`prepare ${name} as ${statement}`)
    const parameters = Array.from(new Set(statement.match(/\$\d+/g)), () => `'{}'`)
    const answer = await client.query(`explain (format json) execute ${name}(${parameters.join()})`)
    const plan: Plan = answer.rows[0]['QUERY PLAN'][0].Plan
    assertIndexed(t, { plan, text: JSON.stringify(plan, null, 1) }, name)
  }
  await client.query('reset plan_cache_mode')
})

test('in_stock alone names every category, for PostgreSQL before 18', (t: TestContext) => {
  t.assert.match(pageQuery(db, { in_stock: true }, me).sql, /items\.category = any/)
})

test('the last page costs as much as the first', { skip: onNodes }, async (t: TestContext) => {
  for (const sort of sorts) {
    for (const filter of [{}, { store_manager_id: me }, { max_price: 900 }, { min_price: 100 }] as ListQuery[]) {
      const cost = async (query: ListQuery) => {
        const { plan } = await explain(pageQuery(db, { ...filter, ...query, sort }, me), 'analyze, buffers')
        return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
      }
      const first = await cost({})
      const last = await cost({ after: await cursorAt(sort, 0.999) })
      t.assert.ok(last <= 2 * first + 20, `${sort} ${JSON.stringify(filter)}: ${first} pages, then ${last}`)
    }
  }
})

interface Plan {
  'Node Type': string
  'Plan Rows': number
  'Relation Name'?: string
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  Plans?: Plan[]
}

interface Explained {
  plan: Plan
  text: string
}

async function explain(query: { sql: string; parameters: readonly unknown[] }, options = 'costs'): Promise<Explained> {
  const answer = await client.query(`explain (format json, ${options}) ${query.sql}`, [...query.parameters])
  const plan: Plan = answer.rows[0]['QUERY PLAN'][0].Plan
  return { plan, text: JSON.stringify(plan, null, 1) }
}

function assertIndexed(t: TestContext, { plan, text }: Explained, what: string, most = few): void {
  for (const node of nodesOf(plan)) {
    const isScan = node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'items'
    t.assert.ok(!isScan, `${what}: reads the whole table\n${text}`)
    const isSort = node['Node Type'] === 'Sort' && (node.Plans?.[0]?.['Plan Rows'] ?? 0) > most
    t.assert.ok(!isSort, `${what}: sorts most of the table\n${text}`)
  }
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}

const cursors = new Map<string, string>()

/** The cursor of the item that `part` of all come before. */
async function cursorAt(sort: Sort, part: number): Promise<string> {
  const known = cursors.get(`${sort} ${part}`)
  if (known !== undefined) return known
  const { sql: text, parameters } = pageQuery(db, { sort }, me)
  const query = `${text.replace(/ limit \$\d+$/, '')} limit 1 offset ${Math.floor(part * rows)}`
  const { rows: found } = await client.query(query, [...parameters].slice(0, -1))
  const cursor = encodeCursor(sort, found[0])
  cursors.set(`${sort} ${part}`, cursor)
  return cursor
}

async function fill(): Promise<void> {
  await client.query(
    `insert into store_managers select ('01900000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Manager ' || n,
       n || '@example.com', 'x' from generate_series(0, ${managers - 1}) n`,
  )
  await withoutIndexes(client, async () => {
    await client.query('set session_replication_role = replica')
    // Common and rare values, none of which goes with another or with the age.
    await client.query(
      `insert into items (id, name, category, price_usd, in_stock, store_manager_id, updated_at) select ('01' || lpad(n::text, 10, '0') || '-7000-8000-000000000000')::uuid,
         (array['Green tea', 'Crème brûlée', 'Notebook', 'Socks', 'Hammer', 'Dog food'])[1 + (hashint4(n) & 1023) % 6] || ' ' || (hashint4(n) & 65535),
         (array['Grocery', 'Household', 'Electronics', 'Stationery', 'Personal Care', 'Apparel', 'Home Improvement', 'Pet'])
           [1 + floor(8 * power((hashint4(n + 1) & 1023) / 1024.0, 3))::int],
         ((hashint4(n + 2) & 1048575) % 100000) / 100.0, (hashint4(n + 3) & 1023) % 20 > 0,
         ('01900000-0000-7000-8000-' || lpad((n % ${managers})::text, 12, '0'))::uuid,
         now() - (hashint4(n + 4) & 1048575) * interval '1 second'
       from generate_series(1, ${rows}) n`,
    )
  })
  // A transaction of another test may keep pages from being all-visible, which makes an index look dear.
  await until(async () => {
    await client.query('vacuum analyze items, store_managers')
    const visible = `select relallvisible >= relpages as visible from pg_class where oid = 'items'::regclass`
    return (await client.query<{ visible: boolean }>(visible)).rows[0]?.visible
  })
}

function managerId(number: number): string {
  return `01900000-0000-7000-8000-${String(number).padStart(12, '0')}`
}
