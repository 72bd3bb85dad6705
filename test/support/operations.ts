import { readFileSync } from 'node:fs'

const folder = new URL('../../docs/operations/', import.meta.url)

/**
 * The block of a page in docs/operations that begins with `begin`, to be run. A test finds the calls of this function in the
 * sources of tests, and with them the commands that no test runs.
 */
export function commandsOf(page: string, begin: string): string {
  const blocks = readFileSync(new URL(page, folder), 'utf8').matchAll(/^```(?:console|sql)\n(.*?)^```$/gms)
  const found = [...blocks].find(([, text = '']) => text.startsWith(begin))?.[1]
  if (found === undefined) throw new Error(`${page} has no block that begins with ${begin}`)
  return found
}
