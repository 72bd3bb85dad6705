import { relative } from 'node:path'
import { before, test } from 'node:test'
import { pathToFileURL } from 'node:url'

/** Loads test files into this process, where their tests run one after another. A file that cannot be loaded is a failed test. */
export async function loadTests(files: string[]): Promise<void> {
  // The first test would run while other files are still loaded, with its mocks in the way of theirs.
  const loaded = Promise.withResolvers<void>()
  before(() => loaded.promise)
  for (const file of files) {
    try {
      await import(pathToFileURL(file).href)
    } catch (error) {
      test(relative('.', file), () => {
        throw error
      })
    }
  }
  loaded.resolve()
}
