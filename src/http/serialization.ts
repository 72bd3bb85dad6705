import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type BuildSerializer = ReturnType<typeof SerializerSelector>

/** With a line break, so that a terminal or a log continues on the next line. */
export function writeJson(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

// Serializers emit only what their schema lists. Those of errors are never used (`handleError` writes them). The others are
// compiled by the first response that needs them: to compile all of them would take most of the startup time.
export const buildSerializer: BuildSerializer = (sharedSchemas, options) => {
  const build = SerializerSelector()(sharedSchemas, options)
  return (route) => {
    if (Number(route.httpStatus) >= 400) return writeJson
    let write: ReturnType<typeof build> | undefined
    return (value: unknown) => {
      write ??= build(route)
      return `${write(value)}\n`
    }
  }
}
