// Marks that follow each other are sorted by insertion, so a run of them takes quadratic time: 64 KiB took five seconds. As in
// Unicode's Stream-Safe Text Format, no text that anyone writes has a longer run.
const longRun = /\p{M}{31}/u

/** Leaves text alone that would take quadratic time. */
export function normalized(text: string, form: 'NFC' | 'NFKC'): string {
  return longRun.test(text) ? text : text.normalize(form)
}
