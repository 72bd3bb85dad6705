import type { Bar } from './report.ts'

const lone =
  'The case `profile` shows where the time goes. It is more than in `tuned` for hooks of Fastify (limits, log, security headers), for own ' +
  'code, and for pg. The statement reads the item, the manager, and revoked tokens; that of `tuned` reads the item. `tuned` asks Redis ' +
  'for each request, but not whether the manager exists. `floor` has no framework, schemas, or log.'

const elysia =
  'Bun has its HTTP server in native code, and this baseline records no history: see the CPU time of both. `without-history` in the ' +
  'case `history-post` is the service without it.'

const before = 'A part is Node 24 instead of 26, and for writes the history: see bench/NOTES.md, Runtime.'

const page =
  'One execution takes 258 to 279 µs of a backend (`/proc/PID/schedstat`), and the statement before it, which sets its limit of 250 ms, 36. ' +
  "Elysia's takes 187 to 218. It is planned for its values as well, but parsed once, which saves 40 to 58 µs. The texts here are as many as " +
  'combinations of filters and orders, and each connection would keep all that clients send. The key of the cursor as exact text takes 21 to 28.'

const pageOfServer =
  'By `node --cpu-prof`, 40 % of it are system calls that write to PostgreSQL, Redis, and clients, 15 % garbage collection, 12 % the modules ' +
  'pg, fast-json-stringify, Kysely, and Fastify, and 8 % own code. The page also checks the token and has a cursor, links, and a limit of ' +
  "time; Elysia's is one prepared statement and its rows."

/** Reasons why a machine of this kind may miss a bar: profiles, and what was tried. By the beginning of the bar. */
const explanations: Record<string, string> = {
  '1 connection: ': lone,
  '8 connections: ': lone,
  '256 connections: ≥ its own':
    'More responses are in progress at a time, so more of their objects outlive the young generation of V8, and a request takes more CPU ' +
    'of the server (in the table). Before the limits and the history, a young generation of 16 MiB instead of 8 gave 17 % more ' +
    'here and nothing at 64, but takes more memory.',
  '64 connections: ≥ 2.5 × tuned':
    'Batching spares statements and commands for Redis. In the case `profile`, more than half of the time at 64 connections goes into ' +
    'sockets and the code of Node, which `tuned` needs for each request as well.',
  '≥ 1 × elysia': elysia,
  '≥ 1.6 × elysia': elysia,
  '64 connections: ≥ 0.95 × before': before,
  '256 connections: ≥ 0.95 × before': before,
  '≥ 0.95 × before': before,
  '100,000 rows: CPU of the server': pageOfServer,
  '1,000,000 rows: CPU of the server': pageOfServer,
  '100,000 rows: CPU of PostgreSQL': page,
  '1,000,000 rows: CPU of PostgreSQL': page,
  '64 connections: ≥ 0.85 × floor':
    'By `node --cpu-prof` a request took 58.7 µs here and 39.6 in the floor. Both write to sockets, collect garbage and talk to ' +
    'the stores. Beyond that Fastify, its router and its hooks are 5 µs; validation, IDs and serialization 3; Kysely and the pool 2; ' +
    "the service's own code 6 where the floor's is 3. One batched check per token, hooks without promises, no logger a request, " +
    'slots (larger batches) and statements past the query builder took the ratio from 0.67 to between 0.7 and 0.9: lower ' +
    'on a busier machine, because the service has more code and garbage than the floor. The number of slots and ' +
    'the size of the young generation (4 to 16 MiB) moved it less than that.',
  'csv ≤ 1.5 × COPY csv':
    'As for the full list, COPY here is unordered, to a client that discards the data, and three processes share two cores. ' +
    'A million rows in a run of their own gave 1.28.',
  'resident memory grows ≤ 128 MiB':
    'This is the peak of four imports one after the other, with the garbage of the earlier ones. One import of as many rows in a ' +
    'process of its own takes half of that (case `large-changes`).',
  'resident memory grows':
    "Of 40 to 65 MiB 16 to 24 are V8's young generation at its full size, 10 code and types that the first list loads, and 14 the " +
    'buffers of some milliseconds (`/proc/PID/smaps`). With a young generation of 4 MiB it is 42, but a GET by id takes 15 % more CPU.',
  'resident memory idle':
    'Of 114 MiB, 49 are pages of the program of Node (`/proc/PID/smaps`), which processes share; of a bare Node, 32 of 42. The rest is 45 of ' +
    'anonymous memory, with the objects and code of V8, and 17 of the C heap. What only some processes need is loaded on ' +
    'demand: migrations, the page at `/scalar`, traces. Fewer arenas and earlier trimming of the C heap saved 3 to 6 MiB.',
  'requests per CPU second':
    'Batching cuts the CPU time of PostgreSQL to a quarter, but Node, HTTP, and the token check cost more than that saves.',
  '≤ 1.5 × COPY':
    'COPY here is unordered, to a client that discards the data; in the order of IDs PostgreSQL alone takes 1.15 to 1.6 times as long. ' +
    'JSON costs 0.4 µs a row, on two cores which PostgreSQL, the service and the client share. Tried, in ns a row: with decoded ' +
    'text 1,054, replacing by regular expressions 790, by lines and columns 790, bytes by hand 400, columns one by one (as it is) ' +
    '420, without a function for it 330. Yielding to other requests after each chunk took a third more.',
  'any format: memory + ≤ 64 MiB':
    'As for the list: chunks, their buffers, and garbage that V8 has not collected yet, for any number of rows. Runs gave 39 ' +
    'and 69 MiB for the same format.',
  'memory + ≤ 64 MiB at any size': "As for the list above: V8's young generation and buffers, for any number of rows.",
  'p99 of reads ≤ 3 × without the listing':
    'The event loop is late by 10 to 18 ms (p99) then; the rest is five busy processes on two cores. Pausing 20 ms after each ' +
    'chunk brought the p99 to 1.5 times, and made the list last 14 s. Without pauses it was 62 times.',
  '≥ 1.3 × 1 process':
    'Two processes make batches of half the size, so each request costs PostgreSQL, Redis and the servers more (CPU µs in the ' +
    'table), on two cores which they share with the load generator.',
  'start to first response':
    'Reading and linking 1,600 modules of the dependencies is two fifths of it (`--cpu-prof`), so it varies with the machine: 590 to ' +
    '1,800 ms. For comparison, bundled in one file: 550 ms instead of 660. Unused code is not loaded: modules ' +
    "of the Redis client, Node's fetch, the meta-schema of JSON Schema.",
  'prices of all items ≤ 1 × import':
    'An update writes a new version of the row with an entry in each index, as an insert does: updated_at is in an index, so no ' +
    'update is heap-only. Of 100,000 items, PostgreSQL used 4.4 s of CPU for the statement, 4.1 for the bare update, and 0.1 for ' +
    'the locks. A third to a half of the update is the index of words. A statement without the lock, and a longer pending list of that index ' +
    '(16 MB), were not faster beyond the noise.',
  '≥ 0.9 × the rows a second of COPY':
    'An import also validates each row and records it in the history, which adds a third to the WAL of the items (bench/NOTES.md, ' +
    'Imports). COPY here writes the items alone. `history-import` is the import without the history.',
  '1 % of the requests traced': 'The rounds of one candidate differ by more than that (in the table).',
  'reload until 100 rows':
    'Chromium, the service, and PostgreSQL share two cores, which were slow in the run of 2026-11-27: the start of the service took 1.8 s in it, ' +
    'and 0.6 s in that of 2026-11-25.',
  'flat: fastest':
    'A thousand items and their index fit into the processor’s caches, and are the fast cases. From 100,000 to 5 million the figures ' +
    'differ by as much as those of one size between rounds.',
}

export function explainUnmet(bars: Bar[]): string[] {
  const unmet = bars.filter(({ met }) => met === false)
  const byReason = Map.groupBy(unmet, ({ bar }) => {
    const known = Object.entries(explanations).find(([beginning]) => bar.startsWith(beginning))
    return known?.[1] ?? 'not explained yet.'
  })
  const lines = Array.from(byReason, ([reason, of]) => {
    const names = new Set(of.map(({ bar }) => `**${bar}**`))
    return `- ${[...names].join('; ')}: ${reason}`
  })
  return lines.length > 0 ? [['Not met:', '', ...lines].join('\n')] : []
}
