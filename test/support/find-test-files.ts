import { glob } from 'node:fs/promises'
import { relative } from 'node:path'

import { StartupError } from '../../src/startup-error.ts'

/** @throws StartupError if one of `given` names no test file */
export async function findTestFiles(given: string[]): Promise<string[]> {
  const found = await Promise.all((given.length > 0 ? given : ['test']).map(findTests))
  return [...new Set(found.flat())].toSorted()
}

async function findTests(given: string): Promise<string[]> {
  const path = relative('.', given) || '.'
  const files = await Array.fromAsync(glob([path, `${path}/**`]))
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.startsWith('node_modules'))
  if (tests.length === 0) throw new StartupError(`No test file matches ${given}.`)
  return tests
}
