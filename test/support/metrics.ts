import { exposition } from '../../src/observability/metrics/exposition.ts'
import type { Metrics } from '../../src/observability/metrics/metrics.ts'

/** Series by name and labels, as in the text that is served. */
export type Series = Map<string, number>

export function parseMetrics(text: string): Series {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

export async function seriesOf(metrics: Metrics): Promise<Series> {
  return parseMetrics(exposition(await metrics.collect()))
}

/** The port on which a process that logs at level info serves its metrics. */
export function metricsUrl(output: string): string {
  const [, port] = /"port":(\d+),"msg":"serving metrics"/.exec(output) ?? []
  if (port === undefined) throw new Error(`no metrics are served:\n${output}`)
  return `http://127.0.0.1:${port}/metrics`
}

export async function scrape(url: string): Promise<Series> {
  return parseMetrics(await (await fetch(url)).text())
}
