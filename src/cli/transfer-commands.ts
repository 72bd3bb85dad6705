import { type Command, Option } from 'commander'

import { exportFile, type ExportCommandOptions } from './export.ts'
import { gather, withSelection } from './filter-options.ts'
import { importFile, type ImportCommandOptions } from './import.ts'
import { type CommonOptions, openSession } from './session.ts'

const importHelp = `
The kind of a file is known by its name: .csv, .tsv, .txt, .ndjson or .jsonl, and .gz behind it if it is compressed. Bad
rows are named as FILE:LINE: COLUMN: REASON on the standard error, and make the command end with 1. --rejected writes them
to a file of their own, and imports the others: mend them there, and import that file.`

const exportHelp = `
The kind of a file is known by its name: .csv, .ndjson, .jsonl or .json, and .gz behind it to compress it. The file is
there when it is whole: one that is broken off leaves what was there before. A file that is not as the last export left it
is replaced only with --force.`

const charsets = ['utf-8', 'utf-16', 'utf-16le', 'utf-16be', 'windows-1252']

/** Adds `import` and `export`. */
export function addTransferCommands(program: Command, signal: AbortSignal): void {
  program
    .command('import <file>')
    .description('create or change items from a file, or from the standard input (-)')
    .addOption(new Option('--format <format>', 'what the file is').choices(['csv', 'ndjson']))
    .addOption(new Option('--mode <mode>', 'upsert updates the items whose ID exists').choices(['create', 'upsert']))
    .addOption(new Option('--on-error <what>', 'write nothing, or all but the bad rows').choices(['stop', 'skip']))
    .option('--dry-run', 'only say what would be written, and the first ten changes')
    .option('--column <column=name>', 'what a CSV file calls a column; may be repeated: price_usd=Preis', gather)
    .addOption(new Option('--charset <charset>', 'of the text, if it is not UTF-8 and has no mark').choices(charsets))
    .addOption(
      new Option('--rejected <file>', 'import the good rows, and write the bad ones to this new file').conflicts(
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
  withSelection(program.command('export <file>').description('write items to a file, or to the standard output (-)'))
    .addOption(new Option('--format <format>', 'what the file is to be').choices(['csv', 'ndjson', 'json']))
    .addOption(new Option('--safe <for>', 'no text that a spreadsheet would run as a formula').choices(['spreadsheet']))
    .option('--force', 'replace the file also if it is not as the last export left it')
    .addHelpText('after', exportHelp)
    .action(async (file: string, _options: object, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & ExportCommandOptions>()
      await exportFile(await openSession(options, signal), file, options, signal)
    })
}
