import { rm } from 'node:fs/promises'

import { type CDPSession, chromium, type Page } from 'playwright-core'

import { bundles, withBundle } from '../../src/console/build.ts'
import { findProgram } from '../../test/support/programs.ts'
import type { Bench, Case, CaseReport } from '../bench.ts'
import type { Dataset } from '../dataset.ts'
import { atMost, count, median, short } from '../report.ts'

const rounds = 5
/** In bytes per second, as Chromium's tools define Fast 3G. */
const fast3G = { offline: false, downloadThroughput: 184_320, uploadThroughput: 86_400, latency: 562.5 }
const unlimited = { offline: false, downloadThroughput: -1, uploadThroughput: -1, latency: 0 }
/** In milliseconds, in which the next page is loaded. */
const idle = 2_500

/** The web console in Chromium, signed in. */
export const consoleCase: Case = {
  name: 'console',
  title: 'The web console',
  seconds: () => 65,
  run: measure,
}

async function measure(bench: Bench): Promise<CaseReport> {
  const data = await bench.datasets.of(bench.plan.rows)
  const { url, port } = await bench.servers.start('stockroom', data)
  const executablePath = process.env['CHROMIUM_PATH'] ?? findProgram(['chromium', 'chromium-browser', 'google-chrome'])
  if (!executablePath) return { tables: [], bars: [], notes: ['Skipped, because there is no Chromium.'] }
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const tabs = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    await tabs.addCookies([{ name: `stockroom-${port}`, value: data.token, url: `${url}/console` }])
    const page = await tabs.newPage()
    const devtools = await tabs.newCDPSession(page)
    await page.goto(`${url}/console/items`)
    const steps = [...(await run(page, devtools, bench)), await measureStarts(bench, data)]
    const rows = steps.map(({ name, figure, most, unit }) => [
      name,
      `${short(figure)} ${unit}`,
      `${count(most)} ${unit}`,
    ])
    return {
      tables: [{ header: [`${count(data.rows)} items`, 'median', 'at most'], rows }],
      bars: steps.map(({ name, figure, most, unit }) => atMost(most, figure, `${name}: at most ${most} ${unit}`, unit)),
      notes: [],
    }
  } finally {
    await browser.close()
  }
}

interface Step {
  name: string
  figure: number
  most: number
  unit: string
}

/** How much later the first response of a service is that also builds the console. */
async function measureStarts(bench: Bench, data: Dataset): Promise<Step> {
  const start = async () => {
    const server = await bench.servers.start('stockroom', data)
    await server.stop()
    return server.firstResponse
  }
  const differences: number[] = []
  for (let round = 1; round <= rounds; round++) {
    bench.progress.step(`start ${round}`)
    await rm(bundles, { recursive: true, force: true })
    const building = await start()
    await withBundle(bench.signal, async () => {})
    differences.push(building - (await start()))
  }
  return {
    name: 'first response, later while the console is built',
    figure: median(differences),
    most: 200,
    unit: 'ms',
  }
}

async function run(page: Page, devtools: CDPSession, { progress, signal }: Bench): Promise<Step[]> {
  const repeat = async (name: string, once: () => Promise<number>) => {
    progress.step(name)
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted()
      times.push(await once())
    }
    return median(times)
  }
  const reload = async () => {
    await page.reload({ waitUntil: 'commit' })
    return page.evaluate<number>(untilPainted)
  }
  const next = async () => {
    await reload()
    await page.waitForTimeout(idle)
    return page.evaluate<number>(nextPage)
  }
  const local = await repeat('reload', reload)
  const nextHere = await repeat('next page', next)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  const nextSlow = await repeat('next page, slow CPU', next)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 1 })
  await devtools.send('Network.enable')
  await devtools.send('Network.emulateNetworkConditions', fast3G)
  const distant = await repeat('reload, Fast 3G', reload)
  await devtools.send('Network.emulateNetworkConditions', unlimited)
  await devtools.send('HeapProfiler.collectGarbage')
  await devtools.send('Performance.enable')
  const { metrics } = await devtools.send('Performance.getMetrics')
  const metric = (name: string) => metrics.find((each) => each.name === name)?.value ?? Number.NaN
  return [
    { name: 'reload until 100 rows are painted', figure: local, most: 600, unit: 'ms' },
    { name: 'the same with Fast 3G', figure: distant, most: 2_000, unit: 'ms' },
    { name: 'next page', figure: nextHere, most: 100, unit: 'ms' },
    { name: 'next page, CPU four times slower', figure: nextSlow, most: 250, unit: 'ms' },
    { name: 'heap', figure: metric('JSHeapUsedSize') / 1e6, most: 20, unit: 'MB' },
    { name: 'DOM nodes', figure: metric('Nodes'), most: 4_000, unit: 'nodes' },
  ]
}

/** Two frames later, the rows are on the screen. Milliseconds since the navigation began. */
const untilPainted = `new Promise((done) => {
  const check = () => document.querySelectorAll('tbody tr').length === 100
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())))
    : requestAnimationFrame(check)
  check()
})`

const nextPage = `new Promise((done) => {
  const first = () => document.querySelector('tbody tr')?.dataset.id
  const before = first()
  const start = performance.now()
  const check = () => first() !== before && document.querySelectorAll('tbody tr').length === 100
    ? requestAnimationFrame(() => done(performance.now() - start))
    : requestAnimationFrame(check)
  const buttons = [...document.querySelectorAll('button')]
  buttons.find((button) => button.textContent === 'Next').click()
  check()
})`
