import { hash } from 'node:crypto'

/**
 * Chooses `count` of `things`, at least one per group. A choice depends only on `seed` and the thing, so a change of one file does
 * not affect the choice in others.
 */
export function sample<Thing>(
  things: Thing[],
  count: number,
  seed: string,
  { key, group }: { key: (thing: Thing) => string; group: (thing: Thing) => string },
): Thing[] {
  const ranked = things
    .map((thing) => ({ thing, rank: hash('sha256', `${seed}\n${key(thing)}`) }))
    .toSorted((one, other) => (one.rank < other.rank ? -1 : 1))
    .map(({ thing }) => thing)
  const firstOfGroup = new Map(ranked.toReversed().map((thing) => [group(thing), thing]))
  const chosen = new Set<Thing>()
  for (const thing of [...firstOfGroup.values(), ...ranked]) if (chosen.size < count) chosen.add(thing)
  return things.filter((thing) => chosen.has(thing))
}
