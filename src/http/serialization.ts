import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type BuildSerializer = ReturnType<typeof SerializerSelector>

/** JSON as each response has it: in one line, with its end, so that a terminal or a log shows the next thing below it. */
export function writeJson(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

/**
 * Makes writers of answers, which let out what their schema lists and nothing else.
 * Those of errors are never asked (`handleError` writes them), and would take most of the time of a start to make.
 */
export const buildSerializer: BuildSerializer = (sharedSchemas, options) => {
  const build = SerializerSelector()(sharedSchemas, options)
  return (route) => {
    if (Number(route.httpStatus) >= 400) return writeJson
    const write = build(route)
    return (value: unknown) => `${write(value)}\n`
  }
}
