import type { RemoteSpan } from './trace-context.ts'

/** Of OpenTelemetry. Those that are based on the parent apply to requests without one. */
export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio'

/** Decides whether to trace a request. */
export type Sampler = (parent: RemoteSpan | undefined) => boolean

const parentBased = 'parentbased_'

/** @param ratio from 0 to 1, of the requests that a sampler by ratio traces */
export function openSampler(name: SamplerName, ratio: number): Sampler {
  const samplers: Record<string, Sampler> = {
    always_on: () => true,
    always_off: () => false,
    traceidratio: (parent) => (parent === undefined ? Math.random() : randomness(parent.traceId)) >= 1 - ratio,
  }
  const sample = samplers[name.replace(parentBased, '')] as Sampler
  return name.startsWith(parentBased) ? (parent) => parent?.isSampled ?? sample(undefined) : sample
}

/**
 * From 0 to 1. All services of a trace derive it from the last 56 bits of the ID, so that they decide alike
 * (https://www.w3.org/TR/trace-context-2/#randomness-of-trace-id); a double has room for the first 52 of them.
 */
function randomness(traceId: string): number {
  return Number.parseInt(traceId.slice(-14, -1), 16) / 2 ** 52
}
