import type { More } from '../more.ts'
import { plural } from './plural.ts'

const items = (one: string, other: string) => (number: number) => plural(number, { one, other })

export const imports: More['imports'] = {
  title: 'Import',
  intro:
    'Speichern Sie Ihre Tabelle als CSV, oder kopieren Sie ihre Zeilen und fügen Sie sie ein. Importiert wird erst, wenn Sie gesehen haben, was sich ändern würde.',
  file: 'Datei',
  choose: 'Datei auswählen',
  chooseAnother: 'Andere Datei auswählen',
  orDrop: 'oder ziehen Sie sie hierher, oder fügen Sie Zeilen ein, die Sie aus einer Tabelle kopiert haben:',
  paste: 'Zeilen aus einer Tabelle',
  takePasted: 'Diese Zeilen verwenden',
  pasted: 'Eingefügte Zeilen',
  excel: 'In Excel: als CSV UTF-8 speichern, oder die Zellen mit ihrer Kopfzeile kopieren und einfügen.',
  reading: (percent) => `Wird gelesen, ${percent}`,
  cancel: 'Abbrechen',
  rows: items('# Zeile', '# Zeilen'),
  unreadable: {
    workbook:
      'Das ist eine Arbeitsmappe. Speichern Sie sie als CSV, oder kopieren Sie die Zeilen und fügen Sie sie ein.',
    pdf: 'Das ist eine PDF-Datei. Kopieren Sie die Tabelle in eine Tabellenkalkulation, und speichern Sie sie dort als CSV.',
    compressed: 'Diese Datei ist komprimiert. Entpacken Sie sie zuerst.',
    binary: 'Das ist keine Textdatei. Speichern Sie die Tabelle als CSV.',
    json: 'Das ist JSON. Speichern Sie die Daten als CSV.',
    empty: 'Diese Datei ist leer.',
    no_rows: 'Diese Datei hat unter der Kopfzeile keine Zeilen.',
  },
  tooLarge: (size, limit) => `Die Datei hat ${size}. Ein Import darf höchstens ${limit} haben. Teilen Sie sie auf.`,
  columns: 'Spalten',
  columnsHint: 'Geben Sie an, was in jeder Spalte steht. Was erkannt wurde, ist schon ausgewählt.',
  hasHeader: 'Die erste Zeile benennt die Spalten',
  columnNumber: (number) => `Spalte ${number}`,
  leaveOut: 'Auslassen',
  fields: {
    name: 'Name',
    category: 'Kategorie',
    price_usd: 'Preis in Dollar',
    in_stock: 'Bestand',
    id: 'Schlüssel aus einem Export',
    version: 'Version aus einem Export',
  },
  sign: 'Schreibweise der Preise',
  signs: { '.': '1,234.50', ',': '1.234,50' },
  categoryOfAll: 'Kategorie aller Zeilen',
  stockOfAll: 'Bestand aller Zeilen',
  chooseOne: 'Wählen…',
  means: (value) => `„${value}“ ist`,
  asItIs: 'Unverändert',
  missing: (fields) => `Es fehlt noch: ${fields}.`,
  keys: 'Zeilen mit dem Schlüssel eines vorhandenen Artikels ändern diesen Artikel.',
  check: (rows) => plural(rows, { one: '# Zeile prüfen', other: '# Zeilen prüfen' }),
  checking: 'Wird geprüft',
  checkTitle: 'Prüfung',
  wouldCreate: items('# neuer Artikel', '# neue Artikel'),
  wouldUpdate: items('# geänderter Artikel', '# geänderte Artikel'),
  unchanged: items('# unveränderter Artikel', '# unveränderte Artikel'),
  leftOut: items('# ausgelassene Zeile', '# ausgelassene Zeilen'),
  sameName: (rows) =>
    plural(rows, {
      one: '# neuer Artikel heißt wie einer, den Sie schon haben. Wurde diese Zeile schon einmal importiert?',
      other: '# neue Artikel heißen wie solche, die Sie schon haben. Wurde diese Datei schon einmal importiert?',
    }),
  changes: 'Was sich ändern würde',
  firstChanges: (listed) => plural(listed, { one: 'Die erste Änderung', other: 'Die ersten # Änderungen' }),
  bad: 'Ausgelassene Zeilen',
  badHint:
    'Berichtigen Sie sie oben bei den Spalten, oder laden Sie sie herunter, berichtigen Sie sie in Ihrer Tabelle, und wählen Sie diese Datei aus.',
  line: 'Zeile',
  column: 'Spalte',
  value: 'Wert',
  reason: 'Was zu tun ist',
  wholeRow: 'Die Zeile',
  empty: 'leer',
  moreBad: items('und # weitere', 'und # weitere'),
  download: (rows) =>
    plural(rows, {
      one: 'Die Zeile zum Berichtigen herunterladen',
      other: 'Die # Zeilen zum Berichtigen herunterladen',
    }),
  onlyFirst: (rows) =>
    plural(rows, {
      one: 'Nur die erste fehlerhafte Zeile kann angezeigt und heruntergeladen werden. Berichtigen Sie die Datei selbst, und wählen Sie sie noch einmal aus.',
      other:
        'Nur die ersten # fehlerhaften Zeilen können angezeigt und heruntergeladen werden. Berichtigen Sie die Datei selbst, und wählen Sie sie noch einmal aus.',
    }),
  fileOfBad: 'zeilen-zum-berichtigen.csv',
  broken:
    'Ein Anführungszeichen steht am falschen Platz, deshalb ist unklar, wo eine Zeile endet. Berichtigen Sie das in der Datei, und wählen Sie sie noch einmal aus.',
  nothing: 'Es gibt nichts zu importieren: Keine Zeile ist gültig und neu.',
  run: (rows) => plural(rows, { one: '# Zeile importieren', other: '# Zeilen importieren' }),
  sending: (percent) => `Wird gesendet, ${percent}`,
  writing: 'Wird geschrieben',
  interrupted: 'Die Verbindung ist abgebrochen. Wenn Sie es noch einmal versuchen, wird nichts doppelt importiert.',
  doneTitle: 'Importiert',
  done: items('# Zeile ist importiert.', '# Zeilen sind importiert.'),
  doneBad: items('# Zeile wurde ausgelassen.', '# Zeilen wurden ausgelassen.'),
  show: 'Zeigen',
  undo: 'Import rückgängig machen…',
  another: 'Noch eine Datei importieren',
  reasons: {
    name: {
      empty: 'Geben Sie einen Namen ein.',
      string_too_long: 'Geben Sie höchstens 64 Zeichen ein.',
      other: 'Geben Sie einen Namen mit sichtbaren Zeichen ein.',
    },
    category: {
      empty: 'Geben Sie eine Kategorie ein.',
      other: 'Geben Sie eine der acht Kategorien ein, oder sagen Sie oben, welche gemeint ist.',
    },
    price_usd: {
      empty: 'Geben Sie einen Preis wie 4,99 ein.',
      greater_than_equal: 'Geben Sie einen Preis von mindestens 0 ein.',
      other: 'Geben Sie eine Zahl wie 4,99 ein.',
    },
    in_stock: {
      empty: 'Geben Sie ja oder nein ein.',
      other: 'Geben Sie ja oder nein ein, oder sagen Sie oben, was gemeint ist.',
    },
    id: {
      empty: 'Lassen Sie diese Spalte aus.',
      other: 'Das ist kein Schlüssel aus einem Export: Lassen Sie diese Spalte aus, oder leeren Sie die Zelle.',
    },
    version: {
      empty: 'Lassen Sie diese Spalte aus.',
      other: 'Der Artikel wurde seit dem Export geändert. Exportieren Sie ihn neu, und ändern Sie ihn dort.',
    },
    row: {
      duplicate_id: 'Eine andere Zeile hat denselben Schlüssel: Behalten Sie eine davon.',
      not_owner: 'Der Artikel gehört jemand anderem: Entfernen Sie die Zeile.',
      version_required:
        'Die Zeile würde einen Artikel ändern, hat aber keine Version: Exportieren Sie die Artikel neu.',
      field_count:
        'Sie hat mehr Zellen als die Kopfzeile: Setzen Sie Zellen mit dem Trennzeichen in Anführungszeichen.',
      after_quote:
        'Nach einem schließenden Anführungszeichen folgt Text: Verdoppeln Sie Anführungszeichen innerhalb einer Zelle.',
      within_field:
        'In einer Zelle ohne Anführungszeichen steht eines: Setzen Sie sie in Anführungszeichen, und verdoppeln Sie dieses.',
      unclosed: 'Ein Anführungszeichen wird nie geschlossen.',
      too_long: 'Sie ist zu lang: Vielleicht wird ein Anführungszeichen nie geschlossen.',
      other: 'Prüfen Sie die Zeile.',
    },
  },
}
