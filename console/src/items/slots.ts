/**
 * Which row of the table shows which item. An item keeps its row, and the others take those that are free: changing the texts of a
 * row takes a third of the time of removing it and creating another one.
 */
export function slotsOf(ids: readonly string[], before: ReadonlyMap<string, number>): Map<string, number> {
  const slots = new Map(ids.flatMap((id) => (before.has(id) ? [[id, before.get(id) ?? 0] as const] : [])))
  const taken = new Set(slots.values())
  let free = 0
  for (const id of ids) {
    if (slots.has(id)) continue
    while (taken.has(free)) free++
    slots.set(id, free++)
  }
  return slots
}
