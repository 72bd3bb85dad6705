/** What ends what was opened in it: a test, or one of the faults of `npm run faults`. */
export interface Lifetime {
  after(end: () => unknown): void
}
