import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'

import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { RouteOptions } from 'fastify'

import type { App } from '../../src/http/types.ts'
import { buildValidator } from '../../src/http/validation.ts'
import { openApp } from '../support/app.ts'

/** The service compiles a schema when a request first needs it, so one that cannot be compiled would be a 500 in production. */
test('the schemas of every route compile', async (t) => {
  const routes: { scope: App; route: RouteOptions }[] = []
  const collect = (message: unknown) =>
    (message as { fastify: App }).fastify.addHook('onRoute', function (route) {
      routes.push({ scope: this, route })
    })
  subscribe('fastify.initialization', collect)
  t.after(() => unsubscribe('fastify.initialization', collect))
  const { app } = await openApp(t)
  await app.ready()
  const compilers = new Map(routes.map(({ scope }) => [scope, compilersOf(scope)]))

  let compiled = 0
  for (const { scope, route } of routes) {
    const { url, schema = {} } = route
    const { compileValidator, compileSerializer } = compilers.get(scope) as Compilers
    for (const httpPart of ['params', 'querystring', 'headers', 'body'] as const) {
      for (const part of schemasOf(schema[httpPart])) {
        assert.doesNotThrow(() => compileValidator(part, httpPart), `${httpPart} of ${url}`)
        compiled++
      }
    }
    for (const [httpStatus, response] of Object.entries(schema.response ?? {})) {
      // Errors are written without a serializer.
      if (Number(httpStatus) >= 400) continue
      for (const body of schemasOf(response)) {
        assert.doesNotThrow(() => compileSerializer(body), `${httpStatus} of ${url}`)
        compiled++
      }
    }
  }
  assert.ok(compiled > 50, `compiled ${compiled} schemas`)
})

type Compilers = ReturnType<typeof compilersOf>

/** A scope has the schemas of its components. */
function compilersOf(scope: App) {
  const route = { method: 'GET', url: '/' }
  const buildLazily = buildValidator(scope.getSchemas())
  const buildSerializer = SerializerSelector()(scope.getSchemas(), {})
  return {
    compileValidator: (schema: object, httpPart: string) => buildLazily({ ...route, schema, httpPart })({}),
    compileSerializer: (schema: object) => buildSerializer({ ...route, schema, httpStatus: '200' }),
  }
}

interface Described {
  content?: Record<string, { schema: object }>
}

/** A schema, or one for each media type. */
function schemasOf(part: unknown): object[] {
  if (part === undefined) return []
  const { content } = part as Described
  return content === undefined ? [part as object] : Object.values(content).map(({ schema }) => schema)
}
