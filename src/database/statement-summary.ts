const write = /\b(insert into|update|delete from)\s+"?(?!of\b|set\b|skip\b|nowait\b)(\w+)/i
const read = /\b(from)\s+"?(?!unnest\b)(\w+)/i

/** What a statement does, such as `UPDATE items`: its first write, or the first table that it reads. */
export function summaryOf(text: string): string {
  const [, verb = '', table = ''] = write.exec(text) ?? read.exec(text) ?? []
  const [first = ''] = (verb.toLowerCase() === 'from' ? 'select' : verb || text.trim()).split(/\s/)
  return `${first.toUpperCase()} ${table}`.trimEnd()
}
