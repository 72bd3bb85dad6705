import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

type BuildSerializer = ReturnType<typeof SerializerSelector>

/**
 * Makes writers of answers, which let out what their schema lists and nothing else.
 * Those of errors are never asked (`handleError` writes them), and would take most of the time of a start to make.
 */
export const buildSerializer: BuildSerializer = (sharedSchemas, options) => {
  const build = SerializerSelector()(sharedSchemas, options)
  return (route) => (Number(route.httpStatus) >= 400 ? JSON.stringify : build(route))
}
