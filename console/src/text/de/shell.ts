import type { Text } from '../text.ts'
import { plural } from './plural.ts'

export const shell: Text['shell'] = {
  product: 'Stockroom',
  titleOf: (screen) => `${screen} – Stockroom`,
  skip: 'Zum Inhalt springen',
  navigation: 'Hauptmenü',
  items: 'Artikel',
  overview: 'Übersicht',
  changes: 'Änderungen',
  import: 'Import',
  account: 'Konto',
  signIn: 'Anmelden',
  signOut: 'Abmelden',
  you: 'Sie',
  help: 'Tastenkürzel',
  accountMenu: (name) => `Konto von ${name}`,
  close: 'Schließen',
  cancel: 'Abbrechen',
  undo: 'Rückgängig',
  undoing: 'Wird rückgängig gemacht…',
  undone: 'Rückgängig gemacht.',
  notUndone: (reason) => `Das ließ sich nicht rückgängig machen. ${reason}`,
  notifications: 'Meldungen',
  previous: 'Zurück',
  next: 'Weiter',
  page: (number) => `Seite ${number}`,
  pages: 'Seiten',
  loading: 'Wird geladen…',
  tryAgain: 'Erneut versuchen',
  reload: 'Neu laden',
  offline: 'Sie sind offline. Was Sie eingeben, bleibt hier erhalten.',
  unavailable: 'Der Laden ist gerade nicht erreichbar. Es wird weiter versucht…',
  gaveUp: 'Der Laden ist gerade nicht erreichbar.',
  throttled: (seconds) => {
    const when =
      seconds > 90
        ? plural(Math.ceil(seconds / 60), { one: '# Minute', other: '# Minuten' })
        : plural(seconds, { one: '# Sekunde', other: '# Sekunden' })
    return `Zu viele Anfragen. Versuchen Sie es in ${when} wieder.`
  },
  throttleOver: 'Sie können es jetzt wieder versuchen.',
  broken: 'Hier ist etwas schiefgegangen. Der Fehler wurde aufgezeichnet.',
  requestId: (id) => `Wenn Sie ihn melden, nennen Sie ${id}.`,
  refused: 'Der Laden hat das nicht angenommen. Prüfen Sie Ihre Eingaben und die Adresse der Seite.',
  unreachable: 'Der Laden ist nicht erreichbar. Prüfen Sie Ihre Verbindung, und versuchen Sie es noch einmal.',
  busy: 'Der Laden ist ausgelastet. Versuchen Sie es gleich noch einmal.',
  forbidden: 'Dieser Artikel gehört jemand anderem. Ändern kann ihn nur, wem er gehört.',
  gone: 'Diesen Artikel gibt es nicht mehr.',
  changedMeanwhile: 'Der Artikel wurde inzwischen geändert.',
  undoConflict: (items) =>
    plural(items, {
      one: '# Artikel wurde seither geändert, deshalb wurde nichts rückgängig gemacht.',
      other: '# Artikel wurden seither geändert, deshalb wurde nichts rückgängig gemacht.',
    }),
  wrongPassword: 'Die E-Mail-Adresse oder das Passwort ist falsch.',
  disabled: 'Dieses Konto ist gesperrt. Wenden Sie sich an den Betreiber des Ladens.',
  missingTitle: 'Seite nicht gefunden',
  missing: 'Unter dieser Adresse gibt es keine Seite.',
  goToItems: 'Zu den Artikeln',
  sessionOver: 'Melden Sie sich wieder an',
  sessionOverWhy: 'Ihre Sitzung ist zu Ende. Was Sie eingegeben haben, ist noch da.',
  otherManager: 'Ein anderes Konto verwenden',
  email: 'E-Mail',
  password: 'Passwort',
  unsaved: 'Nicht gespeicherte Eingaben verwerfen?',
  discard: 'Verwerfen',
}
