import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

// Values from /proc (proc_pid_stat(5)). On systems other than Linux all of them are NaN.

/** /proc counts in hundredths of a second on every architecture that Node supports. */
const ticksPerSecond = 100

/** CPU seconds of the process, its children, and its ended children. */
export function cpuSeconds(pid: number): number {
  const stats = allStats()
  if (!stats.has(pid)) return Number.NaN
  let ticks = 0
  for (const member of tree(pid, stats)) {
    const { own, ended } = stats.get(member) ?? { own: 0, ended: 0 }
    ticks += own + ended
  }
  return ticks / ticksPerSecond
}

/** CPU seconds that all processes of the machine have used. */
export function cpuSecondsOfMachine(): number {
  const [, user, nice, system, _idle, _waiting, ...interrupts] =
    read('/proc/stat').split('\n', 1)[0]?.split(/\s+/) ?? []
  const [hardware, software, stolen] = interrupts
  return (
    [user, nice, system, hardware, software, stolen].reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
  )
}

/** CPU seconds of the ended children of this process. */
export function cpuSecondsOfEnded(): number {
  const stat = parseStat(read('/proc/self/stat'))
  return stat ? stat.ended / ticksPerSecond : Number.NaN
}

/** Current resident memory in MiB. */
export function residentMiB(pid: number): number {
  return status(pid, 'VmRSS')
}

/** Resets the peak that `peakMiB` returns. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // The peak is then that of the whole life of the process.
  }
}

export function peakMiB(pid: number): number {
  return status(pid, 'VmHWM')
}

interface Stat {
  parent: number
  own: number
  ended: number
}

function allStats(): Map<number, Stat> {
  const stats = new Map<number, Stat>()
  for (const name of list('/proc')) {
    const pid = Number(name)
    const stat = Number.isInteger(pid) ? parseStat(read(`/proc/${name}/stat`)) : undefined
    if (stat) stats.set(pid, stat)
  }
  return stats
}

function tree(root: number, stats: Map<number, Stat>): number[] {
  const members = [root]
  for (const member of members) {
    for (const [pid, { parent }] of stats) if (parent === member) members.push(pid)
  }
  return members
}

/** The second field may contain spaces and parentheses, so fields are counted from the last parenthesis. */
function parseStat(text: string): Stat | undefined {
  if (text === '') return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const at = (index: number) => Number(fields[index])
  return { parent: at(1), own: at(11) + at(12), ended: at(13) + at(14) }
}

function status(pid: number, name: string): number {
  const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(read(`/proc/${pid}/status`)) ?? []
  return Number(kibibytes) / 1024
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
