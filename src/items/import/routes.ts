import { tmpdir } from 'node:os'
import type { Readable } from 'node:stream'

import type { FastifyRequest } from 'fastify'

import { openSemaphore } from '../../concurrency/semaphore.ts'
import { throttle } from '../../concurrency/throttle.ts'
import type { Context } from '../../context.ts'
import { disconnectionOf } from '../../http/disconnection.ts'
import { logEvent } from '../../http/security-events.ts'
import type { App } from '../../http/types.ts'
import type { Metrics } from '../../observability/metrics/metrics.ts'
import { watchSemaphore } from '../../observability/metrics/watch.ts'
import { Problem, unsupportedMediaType } from '../../problems.ts'
import * as operations from '../operations.ts'
import { missingFile, tooLarge } from './body.ts'
import { codingOf } from './coding.ts'
import { type Importer, importItems, readers } from './import.ts'
import { type RowCheck, rowCheck } from './rows.ts'
import type { ImportReport } from './schemas.ts'

// Receiving imports use the temporary folder, merging ones a connection. A complete file waits for its merge as long as
// other merges may take. One manager gets at most half of the permits. Times are in milliseconds.
const receivingGate = { permits: 4, maxQueue: 16, timeout: 3_000, share: 0.5 }
const mergingGate = { permits: 2, maxQueue: receivingGate.permits, timeout: 20 * 60_000, share: 0.5 }

const betweenWarnings = 10_000
const bodyLimits = { minRateWindow: 30_000, minBytes: 16 * 1024, maxDuration: 60 * 60_000 }

/** In a scope of its own, because the body is read as it arrives. */
export function importRoutes(app: App, context: Context, activeRequests: () => number): void {
  const { pool, idempotency, config, connections, metrics, readiness, revocations, log, tracer } = context
  const limits = { ...bodyLimits, maxBytes: config.importLimit }
  const checks: Partial<Record<'create' | 'upsert', RowCheck>> = {}
  const importer: Importer = {
    pool,
    idempotency,
    // Made when it is first needed: it takes a twentieth of a start.
    check: (mode) => (checks[mode] ??= rowCheck(mode)),
    gates: {
      receiving: watchSemaphore(metrics, 'import_uploads', openSemaphore(receivingGate)),
      merging: watchSemaphore(metrics, 'import_merges', openSemaphore(mergingGate)),
    },
    limits,
    tracer,
    isShared: config.itemWrites === 'shared',
    needsVersion: config.requireIfMatch,
    isBusy: () => activeRequests() > mergingGate.permits,
    checkToken: async (token) => {
      const refuse = (await revocations.findRevoked([token])).get(token)
      if (refuse) throw refuse()
    },
    warn: throttle(betweenWarnings, (imports, err) => {
      log.error({ err, imports, folder: tmpdir() }, 'temporary folder is not usable; imports get 503')
    }),
  }
  const observe = observeImports(metrics)
  passBodies(app, limits.maxBytes)

  app.post('/import', { schema: operations.importItems }, async (request, reply) => {
    readiness.draining.throwIfAborted()
    if (request.body === undefined || request.body === null) throw missingFile()
    const body = request.body as Readable
    // Bodies of imports have limits of their own.
    connections.exemptFromTimeout(request.raw.socket)
    body.once('end', () => connections.clearExemption(request.raw.socket))
    const { response: report, isReplayed } = await importItems(importer, {
      body,
      type: request.mediaType as keyof typeof readers,
      coding: codingOf(request.headers),
      token: request.token,
      requestId: request.id,
      key: request.headers['idempotency-key'],
      query: request.query,
      signal: disconnectionOf(reply),
    })
    const { dry_run: isDry, created, updated } = report
    if (isReplayed) reply.header('idempotency-replayed', 'true')
    if (isDry || isReplayed) return report
    observe(report, reply.elapsedTime)
    logEvent(request, 'items_imported', { created, updated })
    return report
  })
}

/** In seconds: imports take longer than other requests. */
const durations = [0.1, 1, 10, 60, 600]

function observeImports(metrics: Metrics): (report: ImportReport, ms: number) => void {
  const about = 'Rows of imports that were committed.'
  const results = ['created', 'updated', 'unchanged', 'failed'] as const
  const counters = results.map(
    (result) => [result, metrics.counter('stockroom_import_rows_total', about, { result })] as const,
  )
  const help = 'Duration of imports that were committed, with the upload.'
  const duration = metrics.histogram('stockroom_import_duration_seconds', help, durations)
  return (report, ms) => {
    for (const [result, counter] of counters) counter.add(report[result])
    duration.observe(ms / 1_000)
  }
}

function passBodies(app: App, limit: number): void {
  const types = Object.keys(readers)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(types, async ({ headers }: FastifyRequest, payload: Readable) => {
    if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
    codingOf(headers)
    return payload
  })
  app.addContentTypeParser('*', async ({ mediaType = '' }: FastifyRequest) => {
    if (!/spreadsheet|excel/.test(mediaType)) throw unsupportedMediaType('text/csv or application/x-ndjson')
    throw new Problem(
      'unsupported_media_type',
      'The body is a spreadsheet workbook. Save it as CSV UTF-8, and send that as text/csv.',
    )
  })
}
