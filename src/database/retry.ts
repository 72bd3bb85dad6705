import { setTimeout as sleep } from 'node:timers/promises'

import { decide, type Decision } from './errors.ts'

const maxAttempts = 5

const firstDelayMs = 20

export async function retry<Result>(task: () => Promise<Result>, decisions: Decision[]): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task()
    } catch (error) {
      if (attempt === maxAttempts || !decisions.includes(decide(error))) throw error
      await sleep(Math.random() * firstDelayMs * 2 ** (attempt - 1))
    }
  }
}
