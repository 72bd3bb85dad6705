import type { More } from '../more.ts'
import { plural } from './plural.ts'

export const overview: More['overview'] = {
  title: 'Übersicht',
  whose: 'Wessen Artikel',
  allItems: 'Alle Artikel',
  myItems: 'Meine Artikel',
  items: 'Artikel',
  inStock: 'Vorrätig',
  soldOut: 'Ausverkauft',
  sum: 'Summe der Preise',
  tooLarge: 'Zu groß zum Anzeigen',
  byCategory: 'Nach Kategorie',
  byPrice: 'Nach Preis',
  category: 'Kategorie',
  price: 'Preis',
  share: 'Anteil',
  range: (from, to) => `${from} bis ${to}`,
  andMore: (from) => `${from} und mehr`,
  perDay: 'Änderungen der letzten 30 Tage',
  myPerDay: 'Meine Änderungen der letzten 30 Tage',
  onDay: (day, changes) => plural(changes, { one: `${day}: # Änderung`, other: `${day}: # Änderungen` }),
  noChanges: 'Es gab keine.',
  partial: (changes) =>
    plural(changes, {
      one: 'Nur die letzte Änderung ist gezählt.',
      other: 'Nur die letzten # Änderungen sind gezählt.',
    }),
  noneOfYours: 'Sie haben noch keine Artikel.',
}
