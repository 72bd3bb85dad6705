import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { chromium } from 'playwright-core'

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
  await takeDocumentationPage(await urlOf(service))
} finally {
  service.kill('SIGTERM')
  await closed
  await rm(folder, { recursive: true, force: true })
}

async function takeDocumentationPage(url: string): Promise<void> {
  const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({ viewport: { width: 1100, height: 600 }, colorScheme: 'light' })
    await page.goto(`${url}/scalar#tag/items/GET/items`)
    await page.getByRole('button', { name: 'Test Request (get /items)', exact: true }).waitFor()
    await page.evaluate('document.fonts.ready')
    await page.screenshot({ path: join(images, 'documentation-page.png'), animations: 'disabled' })
  } finally {
    await browser.close()
  }
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
