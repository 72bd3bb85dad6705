/** Segments of harmless characters, so that it is never the host of a URL, nor ends an HTML attribute. */
const format = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/

/** The path, such as `/shop`, without a slash at its end; empty for `/`. Undefined if it is invalid. */
export function parseRootPath(given: string): string | undefined {
  const path = given.replace(/\/$/, '')
  return path === '' || (path.length <= 256 && format.test(path)) ? path : undefined
}
