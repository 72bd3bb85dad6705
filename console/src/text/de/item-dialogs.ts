import type { More } from '../more.ts'
import { plural } from './plural.ts'

const itemsOf = (number: number) => plural(number, { one: '# Artikel', other: '# Artikel' })

const kindOfBulk = {
  price: (number: number) => plural(number, { one: '# Preis', other: '# Preise' }),
  category: itemsOf,
  stock: itemsOf,
}

export const itemDialogs: More['itemDialogs'] = {
  empty: 'Es gibt noch keine Artikel.',
  emptyHow:
    'Legen Sie den ersten Artikel an, importieren Sie eine Tabelle, oder sehen Sie sich zuerst mit Beispielen um.',
  firstItem: 'Artikel anlegen',
  importSpreadsheet: 'Tabelle importieren',
  addSamples: (number) => plural(number, { one: '# Beispielartikel anlegen', other: '# Beispielartikel anlegen' }),
  addingSamples: 'Beispielartikel werden angelegt…',
  priceInDollars: 'Preis in US-Dollar',
  choose: 'Wählen…',
  lengthOf: (length, most) => `${length}/${most}`,
  noName: 'Geben Sie einen Namen ein.',
  longName: 'Geben Sie einen Namen mit höchstens 64 Zeichen ein.',
  badName: 'Geben Sie einen Namen mit sichtbaren Zeichen ein.',
  noCategory: 'Wählen Sie eine Kategorie.',
  create: 'Artikel anlegen',
  created: (name) => `${name} ist angelegt.`,
  save: 'Speichern',
  saved: (name) => `${name} ist gespeichert.`,
  deleteItem: 'Löschen…',
  restore: 'Artikel wiederherstellen',
  deletedBy: (by, when) => `Gelöscht von ${by}, ${when}.`,
  neverExisted: 'Diesen Artikel gibt es nicht, oder er wurde vor langer Zeit gelöscht.',
  notYours: (owner) => `Dieser Artikel gehört ${owner}. Ändern kann ihn nur, wem er gehört.`,
  previousItem: 'Voriger Artikel',
  nextItem: 'Nächster Artikel',
  itemChanged: 'Dieser Artikel wurde inzwischen geändert.',
  conflict: (by) => `Inzwischen geändert von ${by}. Welcher Wert soll gelten?`,
  takeTheirs: (value) => `${value} nehmen`,
  keepMine: (value) => `Bei ${value} bleiben`,
  history: 'Verlauf',
  kinds: { create: 'Angelegt', delete: 'Gelöscht' },
  becomes: 'wird zu',
  newOwner: 'Gehört jetzt jemand anderem',
  partOf: (number) => `Teil einer Änderung von ${plural(number, { one: '# Artikel', other: '# Artikeln' })}`,
  wasUndone: 'Seither rückgängig gemacht',
  priceOverTime: 'Preisverlauf',
  priceFromTo: (first, since, last) => `Von ${first} am ${since} bis ${last} heute`,
  lowest: (price) => `Niedrigster ${price}`,
  highest: (price) => `Höchster ${price}`,
  bulkWhat: 'Was geändert wird',
  bulkTitle: (kind, number) => `${itemsOf(number)} ${kind === 'delete' ? 'löschen' : 'ändern'}`,
  bulkAllTitle: (kind, number) => {
    const verb = kind === 'delete' ? 'löschen' : 'ändern'
    return number === undefined ? `Alle passenden Artikel ${verb}` : `Alle ${itemsOf(number)} ${verb}, die passen`
  },
  newCategory: 'Neue Kategorie',
  newStock: 'Neuer Bestand',
  priceMode: 'Wie',
  priceModes: {
    'raise-percent': 'Um Prozent erhöhen',
    'lower-percent': 'Um Prozent senken',
    raise: 'Um einen Betrag erhöhen',
    lower: 'Um einen Betrag senken',
    set: 'Auf einen Betrag setzen',
  },
  percentage: 'Prozent',
  amount: 'US-Dollar',
  notAnAmount: 'Geben Sie eine Zahl wie 10 oder 2,50 ein.',
  rounding: 'Runden auf',
  notRounded: 'Nicht runden',
  roundTo: (price) => price,
  bulkEnter: 'Geben Sie die Änderung ein, um zu sehen, was sie bewirkt.',
  bulkRefused: (number) =>
    plural(number, {
      one: '# Artikel kann den neuen Preis nicht bekommen, deshalb würde nichts geändert:',
      other: '# Artikel können ihre neuen Preise nicht bekommen, deshalb würde nichts geändert:',
    }),
  refusals: {
    greater_than_equal: 'Einige würden weniger als 0,00 $ kosten.',
    finite_number: 'Einige hätten zu viele Stellen: Wählen Sie, worauf gerundet wird.',
    other: 'Einige können diesen Wert nicht haben.',
  },
  willChange: (kind, number) => {
    const verb = kind === 'delete' ? 'gelöscht' : 'geändert'
    return plural(number, { one: `# Artikel wird ${verb}.`, other: `# Artikel werden ${verb}.` })
  },
  nothingToChange: 'Es würde sich nichts ändern.',
  unchanged: (number) => plural(number, { one: '# hat diesen Wert schon.', other: '# haben diesen Wert schon.' }),
  notOwned: (number) =>
    plural(number, {
      one: '# gehört Ihnen nicht und bleibt, wie er ist.',
      other: '# gehören Ihnen nicht und bleiben, wie sie sind.',
    }),
  notFound: (number) => plural(number, { one: '# gibt es nicht mehr.', other: '# gibt es nicht mehr.' }),
  previewOf: (number) => plural(number, { one: 'Der erste Artikel', other: 'Die ersten # Artikel' }),
  now: 'Jetzt',
  afterwards: 'Danach',
  changing: 'Artikel werden geändert…',
  bulkAction: (kind, field, number) => {
    const what = kind === 'delete' ? itemsOf : kindOfBulk[field]
    const verb = kind === 'delete' ? 'löschen' : 'ändern'
    return number === undefined ? (kind === 'delete' ? 'Löschen' : 'Ändern') : `${what(number)} ${verb}`
  },
  bulkDone: (kind, field, number) =>
    kind === 'delete' ? `${itemsOf(number)} gelöscht.` : `${kindOfBulk[field](number)} geändert.`,
  bulkLost:
    'Die Verbindung ist abgebrochen. Sehen Sie unter Änderungen nach, ob das ausgeführt wurde, bevor Sie es noch einmal versuchen.',
  bulkMoved:
    'Inzwischen passt eine andere Zahl von Artikeln. Nichts wurde geändert. Sehen Sie sich zuerst die neuen Zahlen an.',
  samplesAdded: (number) =>
    plural(number, { one: '# Beispielartikel angelegt.', other: '# Beispielartikel angelegt.' }),
  samplesHere: 'Der Laden enthält Beispielartikel.',
  removeSamples: 'Beispielartikel entfernen',
  keepSamples: 'Behalten',
  samplesRemoved: 'Die Beispielartikel sind entfernt.',
  samplesKept: (number) =>
    plural(number, {
      one: 'Die Beispielartikel sind entfernt, bis auf einen, der geändert wurde.',
      other: 'Die Beispielartikel sind entfernt, bis auf #, die geändert wurden.',
    }),
}
