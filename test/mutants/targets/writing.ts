import type { Target } from '../mutant.ts'

/** Rows of imports, as they are checked and written. */
export const writingTargets: Target[] = [
  {
    file: 'src/items/import/import.ts',
    tests: [
      'items/import/import: on_error=skip|given ID',
      'items/import/tokens: reading|after a logout writes|during a logout is',
      'items/import/failures: two imports',
      'items/import/versions: is a number',
    ],
    mistakes: [
      {
        what: 'rows are written although others are invalid',
        before: 'if (stopOnError && builder.failed > 0) throw builder.toProblem()\n    return',
        after: 'return',
        tests: ['items/import/import: given ID', 'items/import/dry-runs'],
      },
      {
        what: 'an import commits after its token has ended',
        before: 'await lockToken(session, token)\n',
        after: '',
        tests: ['items/import/tokens: during a logout is'],
      },
      {
        what: 'a file is read on after its token has ended',
        before: ' ended.abort(error)',
        after: ' {}',
        tests: ['items/import/tokens: stops reading'],
      },
    ],
  },
  {
    file: 'src/items/import/merge.ts',
    tests: [
      'items/import/import: mode=upsert|another manager|dry run',
      'items/import/dry-runs',
      'items/import/versions: between version check',
    ],
    mistakes: [
      {
        what: 'a dry run writes',
        before: 'if (dryRun) return',
        after: 'if (!dryRun) return',
        tests: ['items/import/dry-runs'],
      },
      {
        what: 'a change that came meanwhile is overwritten',
        before: '\n      and items.version = coalesce(imported.version, items.version)',
        after: '\n     ',
        tests: ['items/import/versions: between version check'],
      },
      {
        what: 'an item that was changed meanwhile is reported as unchanged',
        before: 'if (found < rows || updated < different) throw new Race()',
        after: '',
        tests: ['items/import/versions: between version check'],
      },
      {
        what: 'an ID that was taken meanwhile is a 500',
        before: "error.code === '23505' || ",
        after: '',
        tests: ['items/import/failures: ID taken'],
      },
      {
        what: 'a merge that is tried again finds its own rows',
        before: "await session.query('rollback to savepoint merge')",
        after: '',
        tests: ['items/import/failures: ID taken'],
      },
      {
        what: 'rows that are the same make new versions',
        before: ' and ${differs}\n    for no key update',
        after: '\n    for no key update',
        tests: ['items/import/import: mode=upsert'],
      },
      {
        what: 'a manager who was deleted meanwhile is a 500',
        before: "'items_store_manager_id_foreign'",
        after: "'another'",
        tests: ['items/import/tokens: deletion'],
      },
    ],
  },
  {
    file: 'src/items/import/conflicts.ts',
    tests: [
      'items/import/dry-runs',
      'items/import/ids: nil|other UUID',
      'items/import/versions',
      'items/import/import: 1,000',
    ],
    mistakes: [
      {
        what: 'a dry run does not check whether IDs are there already',
        before: "if (mode === 'create') await take(exists)",
        after: "if (mode === 'create' && !how.dryRun) await take(exists)",
        tests: ['items/import/dry-runs'],
      },
      {
        what: 'a dry run does not check IDs that are twice in the file',
        before: 'await take(duplicate)',
        after: 'if (!how.dryRun) await take(duplicate)',
        tests: ['items/import/dry-runs'],
      },
      {
        what: 'a dry run does not check whose items are changed',
        before: 'if (!canUpdateOthers) await take(notOwner, owner)',
        after: 'if (!canUpdateOthers && !how.dryRun) await take(notOwner, owner)',
        tests: ['items/import/dry-runs'],
      },
      {
        what: 'a dry run does not check versions',
        before: 'await take(otherVersion)',
        after: 'if (!how.dryRun) await take(otherVersion)',
        tests: ['items/import/dry-runs'],
      },
      {
        what: 'the last of two rows with one ID is taken',
        before: 'order by line) as other',
        after: 'order by line desc) as other',
        tests: ['items/import/import: given ID'],
      },
      {
        what: 'an item that exists with an ID from the future cannot be changed',
        before: '\n      and not exists (select from items where items.id = imported.id)\n    returning line, case',
        after: '\n    returning line, case',
        tests: ['items/import/ids: accepted and kept'],
      },
      {
        what: 'a version is required of rows that change nothing',
        before: 'imported.version is null and ${differs}',
        after: 'imported.version is null',
        tests: ['items/import/versions: REQUIRE|changes nothing'],
      },
      {
        what: 'errors come in any order',
        before: ' order by line limit',
        after: ' order by line desc limit',
        tests: ['items/import/import: 1,000|given ID', 'items/import/dry-runs'],
      },
    ],
  },
  {
    file: 'src/items/import/report.ts',
    tests: [
      'items/import/import: 1,000|on_error=skip|given ID|broken quote',
      'items/import/records: described',
      'items/import/dry-runs',
    ],
    mistakes: [
      {
        what: 'errors that are found last come last',
        before: 'listed.toSorted((one, other) => one.line - other.line)',
        after: 'listed',
      },
      { what: 'a row with two errors counts twice', before: 'failed++\n', after: 'failed += wrong.count\n' },
      {
        what: 'all errors are kept in memory',
        before: 'if (listed.length < maxListedErrors) listed.push',
        after: 'listed.push',
      },
    ],
    survivors: [
      {
        before: 'if (listed.length > 4 * maxListedErrors) listed = first()',
        after: 'if (false) listed = first()',
        reason: 'It only bounds the memory: the report lists the same errors.',
      },
    ],
  },
  {
    file: 'src/items/import/routes.ts',
    tests: [
      'items/import/import: no import',
      'items/import/codings: without a file|415',
      'items/import/failures: longer than other|Expect',
    ],
    mistakes: [
      {
        what: 'a long file is read before it is refused',
        before: "if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge(limit)",
        after: '',
        tests: ['items/import/failures: early response'],
      },
      {
        what: 'a connection ends while its import is active',
        before: 'connections.exemptFromTimeout(request.raw.socket)',
        after: '',
        tests: ['items/import/failures: longer than other'],
      },
      {
        what: 'later requests of the connection have no limit of time',
        before: "body.once('end', () => connections.clearExemption(request.raw.socket))",
        after: '',
        tests: ['items/import/failures: longer than other'],
      },
      {
        what: 'dry runs are logged as imports',
        before: 'if (isDry || isReplayed) return report',
        after: '',
        tests: ['http/security-events: imports'],
      },
    ],
    survivors: [
      {
        before: "if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge(limit)",
        after: "if (Number(headers['content-length']) > limit) throw tooLarge(limit)",
        reason: 'Without a Content-Length that compares NaN, which is not greater than the limit either.',
      },
    ],
  },
  {
    file: 'src/items/import/rows.ts',
    tests: ['items/import/import: hostile|on_error=skip', 'items/import/versions: is a number|updates its item'],
    mistakes: [
      {
        what: 'a backslash in a name is dropped',
        before: 'const special = /[\\\\\\n\\r\\t]/',
        after: 'const special = /[\\n\\r\\t]/',
        tests: ['items/import/import: hostile'],
      },
      { what: 'the hash of an ETag counts as a version', before: '/\\d+/.exec', after: '/\\d+.*/.exec' },
      {
        what: 'a version without an ID makes a new item',
        before: "if (version === undefined || typeof item.id === 'string')",
        after: 'if (true)',
        tests: ['items/import/versions'],
      },
      {
        what: 'new items may not have a version',
        before: "mode === 'create' ? undefined : numberOf",
        after: 'false ? undefined : numberOf',
        tests: ['items/import/versions'],
      },
    ],
  },
  {
    file: 'src/items/import/schemas.ts',
    tests: [
      'items/import/spreadsheets: query',
      'http/query-parameters: repeated',
      'items/import/import: no import',
      'openapi/document: snapshot',
    ],
    mistakes: [
      {
        what: 'a column may be renamed that does not exist',
        before: "pattern: '^(?:id|name|category|price_usd|in_stock|version)=.'",
        after: "pattern: '='",
      },
    ],
  },
  {
    file: 'src/items/import/spool.ts',
    tests: ['items/import/spool: whole lines|killed|without a temporary', 'items/import/failures: cut off'],
    mistakes: [
      {
        what: 'all lines are held in memory',
        before: 'if (length <= memoryLimit) return',
        after: 'if (true) return',
        tests: ['items/import/spool: killed|whole lines|without a temporary'],
      },
      {
        what: 'a character that is cut between two reads is lost',
        before: 'decoder.write(bytes.subarray(0, bytesRead))',
        after: 'bytes.subarray(0, bytesRead).toString()',
        tests: ['items/import/spool: whole lines'],
      },
      {
        what: 'the file stays when the process is killed',
        before: '    await unlink(path)\n    return file',
        after: '    return file',
        tests: ['items/import/spool: killed'],
      },
      {
        what: 'each import leaks a file descriptor',
        before: 'await file?.close().catch(warn)',
        after: '',
        tests: ['items/import/failures: cut off', 'items/import/spool: killed|whole lines'],
      },
      {
        what: 'lines that were moved to the file come twice',
        before: 'held = []\n        await file.writeFile',
        after: 'await file.writeFile',
        tests: ['items/import/spool: whole lines'],
      },
    ],
  },
  {
    file: 'src/items/import/staging.ts',
    tests: [
      'items/import/import: CSV rows|on_error=skip|given ID',
      'items/import/spool: items without|without a temporary',
      'items/import/spreadsheets: comma',
      'items/import/staging',
    ],
    mistakes: [
      {
        what: 'all items of a piece have one ID',
        before: '() => `\\n${nextId()}\\t`',
        after: '`\\n${nextId()}\\t`',
        tests: ['items/import/import: CSV rows'],
      },
      {
        what: 'a comma before the price that may be thousands does not count',
        before: 'staged.hasCommas ||= row',
        after: 'staged.hasCommas = row',
        tests: ['items/import/spreadsheets: comma|line and column'],
      },
      {
        what: 'other requests wait for a large import',
        before: 'performance.now() - turnedAt > maxTurnMs',
        after: 'false',
        tests: ['items/import/staging'],
      },
    ],
    survivors: [
      {
        before: "if (text !== '') await spool.write(text)",
        after: 'if (true) await spool.write(text)',
        reason: 'An empty text adds no line to the spool.',
      },
    ],
  },
  {
    file: 'src/items/bulk/bulk.ts',
    tests: ['items/bulk/bulk', 'items/bulk/prices: named', 'items/bulk/races: token ends|deadlock'],
    mistakes: [
      {
        what: 'a bulk change commits after its token has ended',
        before: 'await lockToken(session, token)\n',
        after: '',
        tests: ['items/bulk/races: token ends'],
      },
      {
        what: 'a bulk change of all items needs no number',
        before: 'if (!needsCount && !isEverything) return',
        after: 'if (!needsCount) return',
        tests: ['items/bulk/bulk: without filters'],
      },
      {
        what: 'REQUIRE_IF_MATCH does not apply to bulk changes',
        before: 'if (!needsCount && !isEverything) return',
        after: 'if (!isEverything) return',
        tests: ['items/bulk/bulk: REQUIRE_IF_MATCH'],
      },
      {
        what: 'a deadlock is a 503',
        before: 'if (attempt === attempts)',
        after: 'if (attempt)',
        tests: ['items/bulk/races: deadlock'],
      },
    ],
  },
  {
    file: 'src/items/bulk/statement.ts',
    tests: ['items/bulk/bulk', 'items/bulk/prices', 'items/bulk/races'],
    mistakes: [
      {
        what: 'items that are changed meanwhile are overwritten',
        before: 'sql`for no key update of items`',
        after: 'sql``',
        tests: ['items/bulk/races: stops matching|has committed'],
      },
      {
        what: 'prices are rounded to even or down',
        before: '2 * abs(${rest}) >= ${step}',
        after: '2 * abs(${rest}) > ${step}',
        tests: ['items/bulk/prices: half away'],
      },
      {
        what: 'prices that lose digits are written',
        before: 'else price_usd::double precision::text::numeric <> price_usd end',
        after: 'else false end',
        tests: ['items/bulk/prices: named'],
      },
      {
        what: 'a bulk change has the position of its transaction though that of the change before is greater',
        before: 'greatest(selected.position, current.position) as position',
        after: 'current.position as position',
        tests: ['items/bulk/races: order of positions'],
      },
    ],
  },
  {
    file: 'src/items/bulk/routes.ts',
    tests: ['items/bulk/bulk', 'items/bulk/races: disconnects|one bulk change'],
    mistakes: [
      {
        what: 'a bulk change is no security event',
        before: 'if (change) logEvent',
        after: 'if (!change) logEvent',
        tests: ['items/bulk/bulk: security event'],
      },
    ],
  },
  { file: 'src/items/bulk/schemas.ts', tests: ['items/bulk/bulk', 'openapi/document: snapshot'], mistakes: [] },
]
