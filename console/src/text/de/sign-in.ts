import type { More } from '../more.ts'

export const signIn: More['signIn'] = {
  title: 'Anmelden',
  stay: 'Auf diesem Gerät angemeldet bleiben',
  create: 'Konto anlegen',
  newHere: 'Neu hier?',
  have: 'Haben Sie schon ein Konto?',
  closed: 'Ein Konto bekommen Sie vom Betreiber des Ladens.',
  forgotten: 'Passwort vergessen? Der Betreiber des Ladens gibt Ihnen einen Code zum Zurücksetzen.',
  haveCode: 'Ich habe einen Code',
  resetTitle: 'Neues Passwort festlegen',
  code: 'Code',
  codeHint: 'Er gilt einmal, eine Stunde lang.',
  newPassword: 'Neues Passwort',
  setPassword: 'Passwort festlegen',
  passwordSet: 'Das neue Passwort ist festgelegt. Melden Sie sich damit an.',
  back: 'Zurück zur Anmeldung',
  name: 'Ihr Name',
  nameHint: 'Andere sehen ihn bei Ihren Artikeln und Änderungen.',
  emailHint: 'Damit melden Sie sich an. Andere sehen sie nicht.',
  passwordHint: 'Mindestens 8 Zeichen. Einige Wörter ohne Zusammenhang lassen sich leicht merken.',
}
