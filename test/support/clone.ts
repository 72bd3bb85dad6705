import { cp, readdir, readFile, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'

import type { Cleanup } from './cleanup.ts'
import { temporaryFolder } from './service.ts'

const root = join(import.meta.dirname, '../..')

export interface Clone {
  folder: string
  /** @returns the names of what was added to the folder and is not ignored by git */
  added(): Promise<string[]>
}

/** What a clone is after `npm ci`: what git has, and node_modules. */
export async function openClone(t: Cleanup): Promise<Clone> {
  const folder = await temporaryFolder(t)
  const lines = (await readFile(join(root, '.gitignore'), 'utf8')).split('\n').filter((line) => line !== '')
  const ignored = lines.map((line) => line.replace(/\/$/, ''))
  const left = new Set(['.git', ...ignored])
  await cp(root, folder, { recursive: true, filter: (path) => !left.has(relative(root, path)) })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const original = new Set([...(await readdir(folder)), ...ignored])
  return { folder, added: async () => (await readdir(folder)).filter((name) => !original.has(name)) }
}
