import type { Plan } from './options.ts'

/** The service, the version that `--against` names, and the baselines. */
export type Kind = 'stockroom' | 'before' | 'without-history' | 'floor' | 'usual' | 'tuned' | 'elysia'

/** A quick run downloads nothing. */
export function planned({ quick, against }: Plan, kinds: Kind[]): Kind[] {
  return kinds.filter((kind) => (kind === 'elysia' ? !quick : kind !== 'before' || against))
}
