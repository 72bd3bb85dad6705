import { isServiceLink } from './address-types.ts'

export type Environment = Record<string, string | undefined>

interface UrlFormat {
  /** @returns the settings that the URL stands for. @throws Error whose message completes "NAME …" */
  parse: (url: string) => Record<string, string>
  partOf: (setting: string) => string
}

/** Replaces the URL in the variable `name` with the settings that it stands for. Messages never contain a value. */
export function expandUrl(env: Environment, name: string, { parse, partOf }: UrlFormat) {
  const unchanged = (problems: string[]) => ({ env, labels: {}, problems })
  const url = env[name]
  if (!url) return unchanged([])
  try {
    const given = parse(url)
    const both = Object.keys(given).filter((setting) => env[setting] && !isServiceLink(env[setting]))
    if (both.length > 0) return unchanged([`${name} already says what ${both.join(', ')} says: unset one of them`])
    const labels = Object.fromEntries(Object.keys(given).map((setting) => [setting, `${partOf(setting)} in ${name}`]))
    return { env: { ...env, ...given }, labels, problems: [] }
  } catch (error) {
    return unchanged([`${name} ${(error as Error).message}`])
  }
}

/** @throws Error whose message completes "NAME …" */
export function decode(text: string): string {
  try {
    if (!text.includes('%00')) return decodeURIComponent(text)
  } catch {
    // It names no value.
  }
  throw new Error('has a % that does not encode a character: write % as %25')
}
