/** Milliseconds that this thread has computed. What others do on the machine meanwhile does not count. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
