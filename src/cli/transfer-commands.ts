import { type Command, Option } from 'commander'

import { exportFile, type ExportCommandOptions } from './export.ts'
import { gather, withSelection } from './filter-options.ts'
import { importFile, type ImportCommandOptions } from './import.ts'
import { type CommonOptions, openSession } from './session.ts'

const importHelp = `
The format is inferred from the extension: .csv, .tsv, .txt, .ndjson, or .jsonl, optionally followed by .gz. Invalid rows
are reported on standard error as FILE:LINE: COLUMN: REASON, and the exit code is 1. With --rejected, the valid rows are
imported, and the invalid ones are written to a separate file. Fix them there, and import that file.`

const exportHelp = `
The format is inferred from the extension: .csv, .ndjson, .jsonl, or .json, optionally followed by .gz. The file appears
when it is complete; an interrupted export leaves the previous file in place. A file that has changed since the last export
is replaced only with --force.`

const charsets = ['utf-8', 'utf-16', 'utf-16le', 'utf-16be', 'windows-1252']

export function addTransferCommands(program: Command, signal: AbortSignal): void {
  program
    .command('import <file>')
    .description('create or update items from a file, or from standard input (-)')
    .addOption(new Option('--format <format>', 'file format').choices(['csv', 'ndjson']))
    .addOption(new Option('--mode <mode>', 'create only, or update rows whose ID exists').choices(['create', 'upsert']))
    .addOption(new Option('--on-error <what>', 'write nothing, or skip the invalid rows').choices(['stop', 'skip']))
    .option('--dry-run', 'report what would be written, with the first ten changes')
    .option('--column <column=name>', 'map a column of a CSV file, as in price_usd=Preis; repeatable', gather)
    .addOption(
      new Option('--charset <charset>', 'text encoding, if it is neither UTF-8 nor set by a byte order mark').choices(
        charsets,
      ),
    )
    .addOption(
      new Option('--rejected <file>', 'import the valid rows, and write the invalid ones to this new file').conflicts(
        'onError',
      ),
    )
    .addHelpText('after', importHelp)
    .action(async (file: string, _options: object, command: Command) => {
      type Given = CommonOptions & ImportCommandOptions & { onError?: 'stop' | 'skip'; dryRun?: true }
      const { onError, dryRun, mode, format, column, charset, rejected, ...common } = command.optsWithGlobals<Given>()
      const options = {
        ...(format && { format }),
        ...(mode && { mode }),
        ...(column && { column }),
        ...(charset !== undefined && { charset }),
        ...(onError && { on_error: onError }),
        ...(rejected !== undefined && { rejected, on_error: 'skip' as const }),
        ...(dryRun && { dry_run: true }),
        json: common.json ?? false,
      }
      await importFile(await openSession(common, signal), file, options)
    })
  withSelection(program.command('export <file>').description('export items to a file, or to standard output (-)'))
    .addOption(new Option('--format <format>', 'file format').choices(['csv', 'ndjson', 'json']))
    .addOption(
      new Option('--safe <for>', 'escape values that a spreadsheet would evaluate as formulas').choices([
        'spreadsheet',
      ]),
    )
    .option('--force', 'replace the file even if it has changed since the last export')
    .addHelpText('after', exportHelp)
    .action(async (file: string, _options: object, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & ExportCommandOptions>()
      await exportFile(await openSession(options, signal), file, options, signal)
    })
}
