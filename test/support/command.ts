import { execFileSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

import { run } from './service.ts'
import { until } from './until.ts'

const bin = new URL('../../bin/stockroom.js', import.meta.url).pathname

/** The reason to skip a test that needs a terminal; false where there is `script` to make one. */
export const withoutTerminals = (() => {
  try {
    const version = execFileSync('script', ['--version'], { encoding: 'utf8' })
    return !version.includes('util-linux') && 'there is only another script than that of util-linux'
  } catch {
    return 'there is no script'
  }
})()

export interface Called {
  code: number | string
  out: string
  err: string
}

/** Calls the command with `input` on its standard input. */
export async function call(
  t: TestContext,
  args: string[],
  { env = {}, input = '', cwd }: { env?: Record<string, string>; input?: string | Buffer; cwd?: string } = {},
): Promise<Called> {
  const { child, ended } = run(t, process.execPath, [bin, ...args], env, cwd)
  child.stdin.on('error', () => {}).end(input)
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, out, err }
}

/** Calls it on a terminal, and types each reply, or does what is to be done, when its prompt is on the screen. */
export async function callOnTerminal(
  t: TestContext,
  args: string[],
  {
    env = {},
    dialogue = [],
  }: { env?: Record<string, string>; dialogue?: [question: string, answer: string | (() => void)][] } = {},
): Promise<{ code: number | string; screen: string }> {
  const line = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ')
  // Where CI is set, Node takes any terminal for one without colors.
  const { child, ended, output } = run(t, 'script', ['-qec', `env -u CI ${line}`, '/dev/null'], env)
  for (const [question, answer] of dialogue) {
    await until(() => output().includes(question))
    if (typeof answer === 'string') child.stdin.write(answer)
    else answer()
  }
  return { code: await ended, screen: output() }
}
