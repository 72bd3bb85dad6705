import { registerHooks } from 'node:module'

/** Starts the service with `unrecorded.ts` in place of the module that records changes. */
const record = new URL('../../src/changes/record.ts', import.meta.url).href
const unrecorded = new URL('unrecorded.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    return resolved.url === record && context.parentURL !== unrecorded ? { ...resolved, url: unrecorded } : resolved
  },
})
