import type { TestContext } from 'node:test'

import { type Browser, chromium } from 'playwright-core'

import { findProgram } from './programs.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome']

const executablePath = process.env['CHROMIUM_PATH'] || findProgram(names)

/** The reason to skip a test that needs Chromium; false where there is one, and with CI set, where it has to be. */
export const withoutChromium =
  executablePath || process.env['CI'] ? false : `there is no Chromium: set CHROMIUM_PATH, or install ${names[0]}`

/** Starts Chromium, with `more` arguments, which sends no requests of its own accord, and ends with the test. */
export async function openBrowser(t: TestContext, more: string[] = []): Promise<Browser> {
  if (!executablePath) throw new Error(`CI is set and none of ${names.join(', ')} is on PATH: no test may be skipped`)
  const browser = await chromium.launch({ executablePath, args: [...args, ...more] })
  t.after(() => browser.close())
  return browser
}

// No sandbox, for it refuses to run as root.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
