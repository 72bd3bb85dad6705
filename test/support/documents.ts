import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const command = join(root, 'bin/stockroom.js')

/** npx takes longer to start than the command itself. Another test checks that npx finds the command. */
const npx = `npx() { shift 2; '${process.execPath}' '${command}' "$@"; }`

export interface MarkdownDocument {
  /** Relative to the repository. */
  file: string
  text: string
}

/** Every Markdown document of the repository, by path. */
export async function documents(): Promise<MarkdownDocument[]> {
  const folders = ['docs', 'bench', 'test']
  const listed = await Promise.all(folders.map((folder) => readdir(join(root, folder), { recursive: true })))
  const inFolders = listed.flatMap((names, index) => names.map((name) => join(folders[index] ?? '', name)))
  const files = [...(await readdir(root)), ...inFolders].filter((name) => name.endsWith('.md')).toSorted()
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(join(root, file), 'utf8') })))
}

/**
 * Executes the `sh` blocks of a Markdown text in one shell, in `folder`, against the service at `url`.
 *
 * The session of the command is stored in `work` in that folder.
 *
 * @param env additional variables
 * @returns the lines that were printed and the lines that the text shows, with IDs, tokens, and times normalized
 */
export function pasteBlocks(markdown: string, url: string, folder: string, env: Record<string, string> = {}) {
  const blocks = codeBlocks(markdown)
  const script = blocks.filter(({ language }) => language === 'sh').map(({ text }) => `${text}\necho`)
  const shown = blocks.filter(({ language }) => language === 'json' || language === 'text').map(({ text }) => text)
  const printed = execFileSync('bash', {
    cwd: folder,
    env: { ...process.env, ...env, STOCKROOM_URL: url, XDG_CONFIG_HOME: join(folder, 'work') },
    encoding: 'utf8',
    input: ['set -eu', npx, ...script].join('\n').replaceAll('localhost:8000', url.replace('http://', '')),
  })
  return { printed: lines(printed.replaceAll(url, 'http://localhost:8000')), shown: lines(shown.join('\n')) }
}

/** The fenced blocks of a Markdown text, in order. */
function codeBlocks(markdown: string): { language: string; text: string }[] {
  const blocks = markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)
  return [...blocks].map(([, language = '', text = '']) => ({ language, text }))
}

function lines(text: string): string[] {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/"access_token":"[^"]*"/g, '"access_token":"<token>"')
    .replaceAll(/after=[\w-]+/g, 'after=<cursor>')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, '<time>')
    .replaceAll(/\b[a-z]+-\w{6}@example\.com/g, '<email>')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
}
