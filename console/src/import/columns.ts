export const fields = ['name', 'category', 'price_usd', 'in_stock', 'id', 'version'] as const
export type Field = (typeof fields)[number]

/** Names of columns in English and German, normalized. The first names of a field are the clearest. */
const names: Record<Field, string[]> = {
  name: [
    'name product article artikel produkt bezeichnung title titel item',
    'product name|item name|artikelname|artikelbezeichnung|produktname|produktbezeichnung|description|beschreibung',
  ],
  category: [
    'category kategorie department abteilung warengruppe produktgruppe artikelgruppe gruppe group sparte rubrik',
    'product category|product type|type|typ|art',
  ],
  price_usd: [
    'price_usd price preis verkaufspreis vk usd einzelpreis stückpreis ladenpreis betrag',
    'unit price|retail price|sales price|selling price|list price|vk preis|preis usd|price in usd|preis in usd|cost|kosten',
  ],
  in_stock: [
    'in_stock available availability verfügbar verfügbarkeit lieferbar vorrätig lager lagernd stock bestand lagerbestand',
    'auf lager|instock|quantity|qty|menge|anzahl',
  ],
  id: ['id'],
  version: ['version'],
}

const exact = new Map(
  fields.flatMap((field) => {
    const [words = '', phrases = ''] = names[field]
    const known = [...words.split(' '), ...phrases.split('|')].filter((name) => name !== '').map(normalized)
    return known.map((name, rank) => [name, { field, rank }] as const)
  }),
)

/** The field of each column; undefined for columns to leave out. Each field has at most one column. */
export function fieldsOf(header: string[]): (Field | undefined)[] {
  const found = header.map((name) => matchOf(name))
  const best = new Map<Field, number>()
  for (const [column, match] of found.entries()) {
    if (match === undefined) continue
    const other = found[best.get(match.field) ?? -1]
    if (other === undefined || match.rank < other.rank) best.set(match.field, column)
  }
  return found.map((match, column) => (match && best.get(match.field) === column ? match.field : undefined))
}

/** `Price (USD)` becomes `price usd`, `In_Stock` becomes `in stock`. */
export function normalized(text: string): string {
  const words = text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('$', ' usd ')
    .match(/[\p{L}\p{N}\p{Sc}]+/gu)
  return words?.join(' ') ?? ''
}

function matchOf(name: string): { field: Field; rank: number } | undefined {
  const words = normalized(name)
  const whole = exact.get(words)
  if (whole) return whole
  // The price of a purchase is not what the store asks for, and other currencies are not dollars.
  if (/einkauf|\bek\b|purchase|supplier|lieferant|€|£|\beur\b|\bgbp\b|\bchf\b/.test(words)) return undefined
  const part = words.split(' ').flatMap((word) => exact.get(word) ?? [])
  const first = part.toSorted((one, other) => one.rank - other.rank).find(({ field }) => field !== 'id')
  return first && { field: first.field, rank: first.rank + 100 }
}
