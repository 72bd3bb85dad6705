import type { More } from '../more.ts'

export const help: More['help'] = {
  intro: 'Einzelne Buchstaben wirken nicht, solange Sie schreiben. Sie können sie in Ihrem Konto abschalten.',
  search: 'Suchen',
  create: 'Neuer Artikel',
  help: 'Diese Tastenkürzel zeigen',
  goItems: 'Zu den Artikeln',
  goOverview: 'Zur Übersicht',
  goChanges: 'Zu den Änderungen',
  rows: 'Nächste und vorige Zeile',
  open: 'Artikel öffnen',
  price: 'Preis ändern',
  select: 'Auswählen oder einen Bereich auswählen',
  remove: 'Löschen',
  pages: 'Vorige und nächste Seite',
  save: 'Speichern',
  escape: 'Schließen oder abbrechen',
  anywhere: 'Überall',
  inList: 'In der Liste der Artikel',
  inForms: 'In Formularen und Dialogen',
}
