import { spawn, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { closeAfter, type Cleanup } from './cleanup.ts'
import { withoutProgram } from './programs.ts'
import { temporaryFolder } from './service.ts'
import { freePort } from './stores.ts'
import { until } from './until.ts'

export const withoutPrometheus = withoutProgram('prometheus') || withoutProgram('promtool')

export interface Prometheus {
  /** The values of the series that an expression selects. */
  query(expression: string): Promise<{ metric: Record<string, string>; value: number }[]>
}

/** Starts a Prometheus that scrapes `targets` (host:port) every second, and waits until it has scraped each. */
export async function openPrometheus(t: Cleanup, targets: string[], ruleFiles: string[] = []): Promise<Prometheus> {
  const folder = await temporaryFolder(t)
  const port = await freePort()
  const file = join(folder, 'prometheus.json')
  // Its configuration is YAML, of which JSON is a part.
  const scrape = { job_name: 'stockroom', static_configs: [{ targets }] }
  const global = { scrape_interval: '1s', evaluation_interval: '1s' }
  await writeFile(file, JSON.stringify({ global, rule_files: ruleFiles, scrape_configs: [scrape] }))
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`]
  const child = spawn('prometheus', args, { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  closeAfter(t, async () => {
    child.kill('SIGKILL')
    await ended
  })
  const query: Prometheus['query'] = async (expression) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: expression }),
    })
    const body = (await response.json()) as Answer
    if (body.status !== 'success') throw new Error(`${expression}: ${body.error}`)
    return body.data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
  }
  const isUp = async () => (await query('up == 1')).length === targets.length
  await until(() => isUp().catch(() => false))
  return { query }
}

interface Answer {
  status: string
  error: string
  data: { result: { metric: Record<string, string>; value: [number, string] }[] }
}

/** Runs promtool. @returns what it wrote, and its exit code */
export function promtool(args: string[], input = ''): { output: string; code: number | null } {
  const { stdout, stderr, status } = spawnSync('promtool', args, { input, encoding: 'utf8' })
  return { output: stdout + stderr, code: status }
}
