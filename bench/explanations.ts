import type { Bar } from './report.ts'

/** What is known of bars that this kind of machine may not meet: what the profile says, and what was tried. By how they begin. */
const explanations: Record<string, string> = {
  '≥ 0.85 × floor':
    'By `node --cpu-prof` a request took 58.7 µs here and 39.6 in the floor. Both write to sockets, collect garbage and speak to ' +
    'the stores. Beyond that Fastify, its router and its hooks are 5 µs; checking, ids and serialising 3; Kysely and the pool 2; ' +
    "the service's own code 6 where the floor's is 3. One coalesced check a token, hooks without promises, no logger a request, " +
    'lanes (larger batches) and statements past the query builder took the ratio from 0.67 to between 0.7 and 0.9: the busier ' +
    'the machine and its caches, the lower, for the service has more code and garbage than the floor. The number of lanes and ' +
    'the size of the young generation (4 to 16 MiB) moved it less than that.',
  'csv ≤ 1.5 × COPY csv':
    'As of the list of everything: COPY here is in no order, to a client that looks at nothing, and three processes share two cores. ' +
    'A million rows in a run of their own gave 1.28.',
  'resident memory grows':
    "Of 40 to 65 MiB 16 to 24 are V8's young generation at its full size, 10 code and types that a first list makes, and 14 the " +
    'buffers of some milliseconds (`/proc/PID/smaps`). With a young generation of 4 MiB it is 42, but a GET by id takes 15 % more CPU.',
  'requests per CPU second':
    'Coalescing cuts the share of PostgreSQL to a quarter, but Node, HTTP and the token cost more than is saved.',
  '≤ 1.5 × COPY':
    'COPY here is in no order, to a client that looks at nothing; in the order of ids PostgreSQL alone takes 1.15 to 1.6 times as long. ' +
    'JSON costs 0.4 µs a row, on two cores which PostgreSQL, the service and the client share. Tried, in ns a row: with decoded ' +
    'text 1,054, replacing by regular expressions 790, by lines and columns 790, bytes by hand 400, columns one by one (as it is) ' +
    '420, without a function for it 330. A turn for others after each chunk took a third more.',
  'any format: memory + ≤ 64 MiB':
    'As of the list: its pieces and their buffers, and garbage that V8 has no reason to collect yet, however many rows. Runs gave 39 ' +
    'and 69 MiB for the same format.',
  'memory + ≤ 64 MiB at any size': "As of the list above: V8's young generation and buffers, however many rows.",
  'p99 of reads ≤ 3 × without the listing':
    'The event loop is late by 10 to 18 ms (p99) then: what remains is five busy processes on two cores. Resting 20 ms after each ' +
    'chunk brought the p99 to 1.5 times, and made the list last 14 s. Without rests it was 62 times.',
  '≥ 0.95 × 1 process':
    'Two processes make batches of half the size, so each request costs PostgreSQL, Redis and the servers more (CPU µs in the ' +
    'table), on two cores which they share with the load generator. Runs gave 0.94, 0.95 and 1.01.',
  'start to first answer':
    'Reading and linking 1,600 modules of the dependencies is two fifths of it (`--cpu-prof`), so it varies with the machine: 630 to ' +
    '960 ms. All of them in one file, for a comparison: 550 ms where this took 660. What is not used is left out already: modules ' +
    "of the Redis client, Node's fetch, the meta-schema of JSON Schema.",
  'flat: fastest':
    'A thousand items and their index fit into the processor’s caches, and are the fast ones. From 100,000 to 5 million the figures ' +
    'differ by as much as those of one size do from round to round.',
}

/** An item for each bar that is not met. */
export function explainUnmet(bars: Bar[]): string[] {
  const unmet = bars.filter(({ met }) => met === false)
  const lines = unmet.map(({ bar }) => {
    const known = Object.entries(explanations).find(([beginning]) => bar.startsWith(beginning))
    return `- **${bar}**: ${known?.[1] ?? 'not explained yet.'}`
  })
  return lines.length > 0 ? [['Not met:', '', ...new Set(lines)].join('\n')] : []
}
