// The service names fields and parameters; users of the command know its options.
const optionOf: Record<string, string> = {
  name: '--name',
  category: '--category',
  price_usd: '--price',
  in_stock: '--in-stock',
  min_price: '--min-price',
  max_price: '--max-price',
  store_manager_id: '--owner',
  q: '--search',
  sort: '--sort',
  limit: '--limit',
  email: '--email',
  code: '--code',
  'if-match': '--if-version',
  column: '--column',
  manager: '--manager',
  kind: '--kind',
  item: '--item',
  since: '--since',
  until: '--until',
  ids: '--id',
  percent: '--price-percent',
  add: '--price-add',
  round: '--round',
}

export function nameOf(where: object): string {
  if (!('loc' in where && Array.isArray(where.loc))) return 'The request'
  const steps = where.loc.slice(1).map(String)
  const option = steps.map((step) => optionOf[step]).find((name) => name !== undefined)
  return option ?? steps.at(-1) ?? 'The request'
}

/** `mode=upsert` becomes `--mode upsert`. */
export function inOptions(text: string): string {
  return text
    .replaceAll(/\bdry_run=true\b/g, '--dry-run')
    .replaceAll(/\bcolumn=(?=\w+=)/g, '--column ')
    .replaceAll(/\b(?:text\/csv; )?charset=(?=[\w-]+)/g, '--charset ')
    .replaceAll('send on_conflict=skip', 'use --skip-conflicts')
    .replace(/^expect is required/, '--expect is required')
    .replace(/; send round(?=$|\))/, '; use --round')
    .replaceAll('send it as application/x-ndjson', 'use --format ndjson')
    .replaceAll('send it with Content-Encoding: gzip', 'give it a name that ends in .gz')
    .replaceAll(/\b(mode|on_error|format|safe|sort|since)=([a-z-]+)/g, (_, name: string, value: string) =>
      [`--${name.replace('_', '-')}`, value].join(' '),
    )
}
