import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The secret kept in `dataDir`, made at its first use, so that tokens outlive a restart. Long enough for HS512. */
export async function localSecret(dataDir: string): Promise<string> {
  const path = join(dataDir, 'jwt-secret')
  const draft = `${path}.${process.pid}`
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writeFile(draft, randomBytes(64).toString('base64url'), { mode: 0o600, flush: true })
  // Whole or not at all, and never over one that is there: whatever its error, only the secret itself counts.
  await link(draft, path).catch(() => {})
  await rm(draft)
  return readFile(path, 'utf8')
}
