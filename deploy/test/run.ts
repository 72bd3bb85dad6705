import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { StartupError } from '../../src/startup-error.ts'
import { explain } from '../../test/support/explain.ts'
import { runConfined } from './confine.ts'
import { parts } from './parts.ts'

const usage = `Runs what is in deploy/ for real, on a private PostgreSQL and Redis.

Usage: npm run deploy:test [-- options]

  --only image,edge              only these parts
  --test-name-pattern <pattern>  only tests whose names match this regular expression
  --list                         the names of all parts
  --help                         this

Several parts run at a time, as many as there are processors. A part whose programs are missing is skipped, or fails if CI is
set; scripts/setup.sh --deploy installs them. The layers of the image are kept in /var/tmp/stockroom-deploy, so that only the
first run makes all of them. SIGINT and SIGTERM end everything that was started.`

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      'test-name-pattern': { type: 'string', default: '' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return print(usage)
  if (values.list) return print(parts.map(({ name, title }) => `${name.padEnd(12)} ${title}`).join('\n'))
  const names = values.only.flatMap((list) => list.split(',')).filter((name) => name !== '')
  const unknown = names.find((name) => !parts.some((part) => part.name === name))
  if (unknown !== undefined) throw new StartupError(`There is no part ${unknown}. See npm run deploy:test -- --list`)
  const file = join(import.meta.dirname, 'run-parts.ts')
  process.exitCode = await runConfined(file, [names.join(','), values['test-name-pattern']])
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
}
