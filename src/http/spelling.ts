/** Bounds the work, because the client chooses the length. */
const longestText = 40

export function nearest<Known extends string>(
  text: string,
  known: readonly Known[],
  tolerance: (one: Known) => number,
): Known | undefined {
  const given = text.slice(0, longestText).toLowerCase()
  const [best] = known
    .map((one) => ({ one, distance: distance(given, one.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)
  return best && best.distance <= tolerance(best.one) ? best.one : undefined
}

function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, character] of Array.from(one).entries()) {
    const next = [index + 1]
    for (let at = 0; at < other.length; at++) {
      const replaced = (row[at] ?? 0) + Number(other[at] !== character)
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
