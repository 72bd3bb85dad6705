import type { Command } from 'commander'

import type { FollowedEvent, FollowQuery } from '../client/client.ts'
import { toJson } from './output.ts'
import { type CommonOptions, openSession } from './session.ts'
import { visible } from './terminal.ts'

export function addFollowCommand(program: Command, signal: AbortSignal): void {
  program
    .command('follow')
    .description('print changes of items as they happen, one per line, until interrupted')
    .option('--since <cursor>', 'now, beginning for all items first, or the cursor of an event', 'now')
    .option('--manager <id>', 'changes by this manager')
    .option('--kind <kind>', 'changes of this kind, such as import')
    .option('--item <id>', 'changes of this item')
    .action((_options: object, command: Command) => follow(command.optsWithGlobals<FollowOptions>(), signal))
}

type FollowOptions = CommonOptions & FollowQuery

async function follow({ json, server, ...query }: FollowOptions, signal: AbortSignal): Promise<void> {
  const client = await openSession(server === undefined ? {} : { server }, signal)
  for await (const event of client.changes.follow(query, { signal })) {
    console.log(json ? toJson(event) : describe(event))
  }
}

function describe({ kind, name, item_id: id, version, fields, change }: FollowedEvent): string {
  const who = change?.store_manager ? ` by ${visible(change.store_manager.name)}` : ''
  const values = Object.entries(fields).map(
    ([field, [from = null, to = null]]) => `${field} ${toText(from)} → ${toText(to)}`,
  )
  const details = kind === 'update' ? `: ${values.join(', ')}` : ''
  return `${change?.at ?? ''} ${kind} ${visible(name)} (${id}, version ${version})${who}${details}`.trimStart()
}

function toText(value: string | number | boolean | null): string {
  return value === null ? '–' : visible(String(value))
}
