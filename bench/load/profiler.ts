import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'

// Loaded into a server that is measured: the first SIGUSR2 starts the profiler of V8, the second one writes the profile.

const session = new Session()
session.connect()
let isRunning = false

async function start(): Promise<void> {
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
}

async function stop(path: string): Promise<void> {
  const { profile } = await session.post('Profiler.stop')
  await writeFile(path, JSON.stringify(profile))
}

process.on('SIGUSR2', () => {
  isRunning = !isRunning
  void (isRunning ? start() : stop(process.env['BENCH_PROFILE'] ?? ''))
})
