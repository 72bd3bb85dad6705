import { explain } from '../test/support/explain.ts'
import type { Bench } from './bench.ts'
import type { Dataset } from './dataset.ts'
import { type Kind, planned } from './kinds.ts'

/** @returns the planned ones that can be started, and a note on each other */
export async function available(
  { plan, servers, progress }: Bench,
  kinds: Kind[],
  data: Dataset,
): Promise<{ present: Kind[]; notes: string[] }> {
  const present = planned(plan, kinds)
  if (!present.includes('elysia')) return { present, notes: [] }
  progress.step('elysia, installing it unless it is cached')
  try {
    await servers.shared('elysia', data)
    return { present, notes: [] }
  } catch (error) {
    const note = `**Without elysia**, which could not be installed or started: ${explain(error).split('\n')[0]}`
    return { present: present.filter((kind) => kind !== 'elysia'), notes: [note] }
  }
}
