import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** Per second. */
export interface Demand {
  reads: number
  writes: number
  logins: number
}

export interface Need {
  /** Cores that are fully used. */
  service: number
  passwords: number
  postgres: number
  /** Processes of one core each, used to half. */
  processes: number
  connections: number
}

const usage = `Calculates what a load needs from bench/RESULTS.md.

Usage: npm run bench:capacity -- [--reads 100] [--writes 10] [--logins 1]     all per second, at the peak`

/** A process that is planned at this utilization has room for peaks, and for the loss of another. */
const utilization = 0.5
/** POSTGRES_POOL_SIZE + POSTGRES_MAX_OVERFLOW + 1. */
const connectionsPerProcess = 16

export async function readResults(): Promise<string> {
  return readFile(join(import.meta.dirname, 'RESULTS.md'), 'utf8')
}

export function needOf({ reads, writes, logins }: Demand, results: string): Need {
  const read = cpuOf(results, 'GET /items/{id}, 1 to 256 connections')
  const write = cpuOf(results, 'POST /items, 64 connections, durable')
  const service = cores(read.service, reads) + cores(write.service, writes)
  const passwords = logins / loginsPerCore(results)
  const processes = Math.max(2, Math.ceil((service + passwords) / utilization))
  return {
    service,
    passwords,
    postgres: cores(read.postgres, reads) + cores(write.postgres, writes),
    processes,
    connections: processes * connectionsPerProcess,
  }
}

function cores(microseconds: number, rate: number): number {
  return (microseconds * rate) / 1e6
}

export function cellsOf({ service, passwords, postgres, processes, connections }: Need): string[] {
  const used = [service, passwords, postgres].map((value) => (value < 0.1 ? '< 0.1' : value.toFixed(1)))
  return [...used, String(processes), connections.toLocaleString('en-US')]
}

/** Microseconds of CPU for each request, with 64 connections where the case has several numbers of them. */
function cpuOf(results: string, title: string): { service: number; postgres: number } {
  const section = results.split(`\n### ${title}\n`)[1]?.split('\n### ')[0] ?? ''
  const rows = section.match(/^\|.*$/gm)?.map((row) => row.split('|').map((cell) => cell.trim())) ?? []
  const [header = []] = rows
  const cellOf = (row: string[] | undefined, column: string) => row?.[header.indexOf(column)]
  const row = rows.find((each) => each[1] === 'stockroom' && [undefined, '64'].includes(cellOf(each, 'connections')))
  const service = Number(cellOf(row, 'CPU µs server'))
  const postgres = Number(cellOf(row, 'CPU µs PostgreSQL'))
  if (!(service > 0 && postgres > 0)) throw new Error(`bench/RESULTS.md has no figures of ${title}`)
  return { service, postgres }
}

function loginsPerCore(results: string): number {
  const [, perCore] = /bcrypt alone on 1 core: (\d+\.\d+)/.exec(results) ?? []
  if (perCore === undefined) throw new Error('bench/RESULTS.md has no figure of logins')
  return Number(perCore)
}

async function main(): Promise<void> {
  const number = { type: 'string', default: '0' } as const
  const { values } = parseArgs({
    options: { reads: number, writes: number, logins: number, help: { type: 'boolean', default: false } },
  })
  const demand = { reads: Number(values.reads), writes: Number(values.writes), logins: Number(values.logins) }
  const isWrong = Object.values(demand).some((value) => !(value >= 0))
  if (values.help || isWrong) return void process.stdout.write(`${usage}\n`)
  const [service, passwords, postgres, processes, connections] = cellsOf(needOf(demand, await readResults()))
  process.stdout.write(`cores of the service        ${service}
cores for passwords         ${passwords}
cores of PostgreSQL         ${postgres}
processes of one core       ${processes}   (used to half)
connections to PostgreSQL   ${connections}
`)
}

if (import.meta.main) await main()
