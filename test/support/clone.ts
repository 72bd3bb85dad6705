import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'

import type { Cleanup } from './cleanup.ts'
import { temporaryFolder } from './service.ts'

const root = join(import.meta.dirname, '../..')

export interface Clone {
  folder: string
  /** @returns the names of what was added to the folder and is not ignored by git */
  added(): Promise<string[]>
}

/** What a clone is after `npm ci`: what git has, and node_modules, of its own and without some packages if they are given. */
export async function openClone(t: Cleanup, without?: string[]): Promise<Clone> {
  const folder = await temporaryFolder(t)
  const lines = (await readFile(join(root, '.gitignore'), 'utf8')).split('\n').filter((line) => line !== '')
  const ignored = lines.map((line) => line.replace(/\/$/, ''))
  const left = new Set(['.git', ...ignored])
  await cp(root, folder, { recursive: true, filter: (path) => !left.has(relative(root, path)) })
  if (without === undefined) await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  else await linkModules(join(folder, 'node_modules'), ['.cache', ...without])
  const original = new Set([...(await readdir(folder)), ...ignored])
  return { folder, added: async () => (await readdir(folder)).filter((name) => !original.has(name)) }
}

async function linkModules(folder: string, without: string[]): Promise<void> {
  await mkdir(folder)
  for (const name of await readdir(join(root, 'node_modules')))
    if (!without.includes(name)) await symlink(join(root, 'node_modules', name), join(folder, name))
}
