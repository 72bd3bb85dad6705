import type { FastifyReply } from 'fastify'

import { authenticate } from '../auth/authenticate.ts'
import { endResponsesWithToken } from '../auth/late-responses.ts'
import { openSemaphore } from '../concurrency/semaphore.ts'
import type { Context } from '../context.ts'
import { disconnectionOf } from '../http/disconnection.ts'
import type { App } from '../http/types.ts'
import { watchSemaphore } from '../observability/metrics/watch.ts'
import { getSet, listEntries, listSets, listVersions, type Page } from './changes.ts'
import { getChange, listChangedItems, listChanges, listItemChanges } from './operations.ts'
import { ChangeSet, ChangeSets, defaultLimit, ItemChange, ItemChanges, ItemVersion, ItemVersions } from './schemas.ts'
import { undoRoutes } from './undo/routes.ts'

/** A filter may read much of the history, so a few pages are read at a time. Times are in milliseconds. */
const pageSemaphore = { permits: 4, maxQueue: 64, timeout: 3_000, share: 0.5 }

export function changeRoutes(app: App, context: Context): void {
  for (const schema of [ChangeSet, ChangeSets, ItemChange, ItemChanges, ItemVersion, ItemVersions])
    app.addSchema(schema)
  const pages = watchSemaphore(context.metrics, 'change_pages', openSemaphore(pageSemaphore))
  authenticate(app, context)
  endResponsesWithToken(app, context)
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'private, no-cache')
    done()
  })

  app.get('/changes', { schema: listChanges }, async ({ query, token, rootPath }, reply) => {
    const page = await pages.run(() => listSets(context, query), token.sub, disconnectionOf(reply))
    return sendPage(reply, page, `${rootPath}/changes`, query)
  })

  app.get('/changes/:id', { schema: getChange }, ({ params }) => getSet(context, params.id))

  app.get('/changes/:id/items', { schema: listChangedItems }, async ({ params, query, token, rootPath }, reply) => {
    const id = params.id.toLowerCase()
    const page = await pages.run(() => listEntries(context, id, query), token.sub, disconnectionOf(reply))
    return sendPage(reply, page, `${rootPath}/changes/${id}/items`, query)
  })

  app.get('/items/:id/changes', { schema: listItemChanges }, async ({ params, query, token, rootPath }, reply) => {
    const id = params.id.toLowerCase()
    const page = await pages.run(() => listVersions(context, id, query), token.sub, disconnectionOf(reply))
    return sendPage(reply, page, `${rootPath}/items/${id}/changes`, query)
  })

  undoRoutes(app, context)
}

function sendPage<Entry>(reply: FastifyReply, { entries, next }: Page<Entry>, path: string, query: object): Entry[] {
  const { after: _, ...others }: Record<string, unknown> = { limit: defaultLimit, ...query }
  const target = (more: Record<string, string>) =>
    `<${path}?${new URLSearchParams({ ...(others as Record<string, string>), ...more }).toString()}>`
  const first = `${target({})}; rel="first"`
  reply.header('link', next === undefined ? first : `${target({ after: next })}; rel="next", ${first}`)
  if (next !== undefined) reply.header('x-next-after', next)
  return entries
}
