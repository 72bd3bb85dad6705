import type { Page } from '../../../src/client/client.ts'

/** Pages that were fetched, the most recent ones last. */
export interface Pages {
  cached(key: string): Page | undefined
  /** The cached page, the one that is being fetched, or a new request. */
  fetch(key: string, load: () => Promise<Page>): Promise<Page>
  /** After any write. */
  forget(): void
}

export function createPages(limit = 12): Pages {
  let pages = new Map<string, Page>()
  let pending = new Map<string, Promise<Page>>()

  const keep = (key: string, page: Page) => {
    pages.delete(key)
    pages.set(key, page)
    const [oldest] = pages.keys()
    if (pages.size > limit && oldest !== undefined) pages.delete(oldest)
  }

  return {
    cached(key) {
      const page = pages.get(key)
      if (page !== undefined) keep(key, page)
      return page
    },
    async fetch(key, load) {
      const cached = this.cached(key)
      if (cached !== undefined) return cached
      const started = pending
      const request = started.get(key) ?? load()
      started.set(key, request)
      try {
        const page = await request
        // What was requested before a write may be outdated.
        if (started === pending) keep(key, page)
        return page
      } finally {
        started.delete(key)
      }
    },
    forget() {
      pages = new Map()
      pending = new Map()
    },
  }
}
