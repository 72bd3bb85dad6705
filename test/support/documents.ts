import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../../bin/stockroom.js', import.meta.url))

/** npx takes longer to start than the command itself; that it finds it is another test's. */
const npx = `npx() { shift 2; '${process.execPath}' '${command}' "$@"; }`

/**
 * Pastes the shell's blocks of a Markdown text into one shell, in `folder`, against the service at `url`.
 *
 * The session of the command is kept in `work` in that folder.
 *
 * @param begin what the shell is told before
 * @param env further variables
 * @returns the lines that were printed, and those that the text shows, with what is another each time made the same
 */
export function pasteBlocks(
  markdown: string,
  url: string,
  folder: string,
  begin = 'set -eu',
  env: Record<string, string> = {},
) {
  const blocks = codeBlocks(markdown)
  const script = blocks.filter(({ language }) => language === 'sh').map(({ text }) => `${text}\necho`)
  const shown = blocks.filter(({ language }) => language === 'json' || language === 'text').map(({ text }) => text)
  const printed = execFileSync('bash', {
    cwd: folder,
    env: { ...process.env, ...env, STOCKROOM_URL: url, XDG_CONFIG_HOME: join(folder, 'work') },
    encoding: 'utf8',
    input: [begin, npx, ...script].join('\n').replaceAll('localhost:8000', url.replace('http://', '')),
  })
  return { printed: lines(printed.replaceAll(url, 'http://localhost:8000')), shown: lines(shown.join('\n')) }
}

/** The fenced blocks of a Markdown text, in their order. */
function codeBlocks(markdown: string): { language: string; text: string }[] {
  const blocks = markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)
  return [...blocks].map(([, language = '', text = '']) => ({ language, text }))
}

function lines(text: string): string[] {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/"access_token":"[^"]*"/g, '"access_token":"<token>"')
    .replaceAll(/after=[\w-]+/g, 'after=<cursor>')
    .replaceAll(/until \d{4}-\d\d-\d\d \d\d:\d\d/g, 'until <time>')
    .replaceAll(/\b[a-z]+-\w{6}@example\.com/g, '<e-mail>')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
}
