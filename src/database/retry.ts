import { setTimeout as sleep } from 'node:timers/promises'

import { decide, type Decision } from './errors.ts'

const attempts = 5

/** Milliseconds before the second attempt, at most. Each later one may wait twice as long. */
const firstPause = 20

/** Runs `task`, again if it fails with an error that is one of `decisions`. @throws what its last attempt throws */
export async function retry<Result>(task: () => Promise<Result>, decisions: Decision[]): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task()
    } catch (error) {
      if (attempt === attempts || !decisions.includes(decide(error))) throw error
      await sleep(Math.random() * firstPause * 2 ** (attempt - 1))
    }
  }
}
