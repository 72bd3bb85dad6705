import { basename } from 'node:path'

interface Schema {
  examples?: unknown[]
  example?: unknown
  'x-filled-in'?: true
}

interface Parameter {
  required?: boolean
  schema: Schema
  example?: unknown
  examples?: Record<string, object>
}

interface Media {
  schema: { $ref?: string }
  example?: unknown
}

interface Operation {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
}

type Paths = Record<string, Record<string, Operation>>

// Copies examples to where tools look: next to the schema of a body or parameter, and, for Insomnia, as its `example`.
export function placeExamples(paths: Paths, schemas: Record<string, Schema>): void {
  for (const { parameters = [], requestBody } of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const parameter of parameters) placeInParameter(parameter)
    for (const media of Object.values(requestBody?.content ?? {})) {
      placeInBody(media, schemas[basename(media.schema.$ref ?? '')])
    }
  }
}

function placeInParameter(parameter: Parameter): void {
  const { schema, required, example: value } = parameter
  if (value === undefined) return
  schema.example = value
  if (required || schema['x-filled-in']) return
  // Scalar sends every parameter that has an example, unless it is disabled.
  delete parameter.example
  parameter.examples = { example: { value, 'x-disabled': true } }
}

function placeInBody(media: Media, schema: Schema = {}): void {
  // A schema that several media types share has been here before.
  schema.example ??= schema.examples?.shift()
  if (schema.examples?.length === 0) delete schema.examples
  media.example ??= schema.example
}
