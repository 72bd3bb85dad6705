import { hrefOf } from '../route.ts'

/** The items behind a figure. */
export function hrefOfItems(filters: Record<string, string>, isMine: boolean): string {
  return hrefOf('items', new URLSearchParams({ ...filters, ...(isMine && { owner: 'me' }) }))
}
