import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { chromium } from 'playwright-core'

import { takeConsole } from './screenshots/console.ts'
import { takeDocumentationPage } from './screenshots/documentation-page.ts'

// Takes the pictures in docs/images/ of a service that it starts on an empty database:
//
//   node scripts/screenshots.ts      CHROMIUM_PATH and PORT name another browser and another port

const root = join(import.meta.dirname, '..')
const images = join(root, 'docs/images')
const folder = await mkdtemp(join(tmpdir(), 'stockroom-screenshots-'))
const service = spawn('npm', ['start'], {
  cwd: root,
  env: { ...process.env, PORT: process.env['PORT'] ?? '8000', DATA_DIR: join(folder, 'data') },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const closed = once(service, 'close')
try {
  await mkdir(images, { recursive: true })
  const url = await urlOf(service)
  const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    await takeDocumentationPage(browser, url, images)
    await takeConsole(browser, url, images)
  } finally {
    await browser.close()
  }
} finally {
  service.kill('SIGTERM')
  await closed
  await rm(folder, { recursive: true, force: true })
}

/** Waits for the line of the log that has the address. */
async function urlOf({ stdout }: ChildProcess): Promise<string> {
  let output = ''
  for await (const chunk of stdout ?? []) {
    output += String(chunk)
    const url = /http:\/\/localhost:\d+/.exec(output)?.[0]
    if (url) return url
  }
  throw new Error(`the service did not start:\n${output}`)
}
