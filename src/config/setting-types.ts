import { isIP, isIPv6 } from 'node:net'

import { parseRootPath } from '../root-path.ts'

export interface Setting<T> {
  help: string
  default: string | undefined
  /** @throws Error whose message completes "NAME …" */
  parse: (text: string) => T
}

export function optional(help: string): Setting<string | undefined> {
  return { help, default: undefined, parse: (given) => given }
}

export function text(help: string, standard: string): Setting<string> {
  return { help, default: standard, parse: (given) => given }
}

export function identifier(help: string, standard: string): Setting<string> {
  return {
    help,
    default: standard,
    parse(given) {
      if (!/^[a-z_][a-z0-9_]{0,62}$/.test(given)) {
        throw new Error('must be a lowercase SQL identifier of at most 63 characters')
      }
      return given
    },
  }
}

export function integer(help: string, standard: number, min: number, max: number): Setting<number> {
  return {
    help,
    default: String(standard),
    parse(given) {
      const value = Number(given)
      if (!/^\d+$/.test(given) || value < min || value > max) {
        throw new Error(`must be a whole number from ${min} to ${max}`)
      }
      return value
    },
  }
}

export function ratio(help: string, standard: number): Setting<number> {
  return {
    help,
    default: String(standard),
    parse(given) {
      const value = Number(given)
      if (!/^\d*\.?\d+$/.test(given) || value > 1) throw new Error('must be a number from 0 to 1')
      return value
    },
  }
}

export function url(help: string): Setting<string | undefined> {
  return {
    help,
    default: undefined,
    parse(given) {
      const { protocol, username, password, search, hash, href = '' } = URL.parse(given) ?? {}
      const isPlain = [username, password, search, hash].every((part) => part === '')
      if (!isPlain || (protocol !== 'http:' && protocol !== 'https:')) {
        throw new Error('must be a URL such as http://localhost:4318, without credentials')
      }
      return href.replace(/\/+$/, '')
    },
  }
}

/** `name=value`, separated by commas, each percent-encoded where it has to be (as in the W3C header Baggage). */
export function pairs(help: string): Setting<Record<string, string> | undefined> {
  return {
    help,
    default: undefined,
    parse(given) {
      const members = given.split(',').filter((each) => each.trim() !== '')
      return Object.fromEntries(members.map(parsePair))
    },
  }
}

function parsePair(given: string): [string, string] {
  const [, name, encoded = ''] = /^\s*([\w.!#$&'*+^`|~-]+)\s*=\s*([!-~]*)\s*$/.exec(given) ?? []
  const value = decode(encoded)
  if (name === undefined || value === undefined) throw new Error('must be comma-separated name=value pairs')
  return [name, value]
}

function decode(encoded: string): string | undefined {
  try {
    const value = decodeURIComponent(encoded)
    return /^[ -~]*$/.test(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function integerOrAuto(help: string, standard: number, min: number, max: number): Setting<number | 'auto'> {
  const number = integer(help, standard, min, max)
  return {
    ...number,
    parse(given) {
      if (given === 'auto') return given
      try {
        return number.parse(given)
      } catch (error) {
        throw new Error(`${(error as Error).message}, or auto`, { cause: error })
      }
    },
  }
}

/** A port number, or the address that Kubernetes sets under the same name for a Service: `tcp://10.0.0.1:6379`. */
export function port(help: string, standard: number): Setting<number> {
  const number = integer(help, standard, 1, 65_535)
  return { ...number, parse: (given) => number.parse(isServiceLink(given) ? (given.split(':').at(-1) ?? '') : given) }
}

export function optionalPort(help: string): Setting<number | undefined> {
  return { ...integer(help, 0, 0, 65_535), default: undefined }
}

export function addresses(help: string, standardPort: number): Setting<{ host: string; port: number }[] | undefined> {
  return {
    help,
    default: undefined,
    parse(given) {
      return given.split(',').map((each) => {
        const [, bracketed, name, number = String(standardPort)] =
          /^\s*(?:\[([^\]]+)\]|([^\s:@/]+))(?::(\d{1,5}))?\s*$/.exec(each) ?? []
        const host = bracketed ?? name
        if (host === undefined || Number(number) < 1 || Number(number) > 65_535) {
          throw new Error('must be comma-separated addresses such as sentinel.example:26379')
        }
        return { host, port: Number(number) }
      })
    },
  }
}

export function isServiceLink(given: string): boolean {
  return /^tcp:\/\/[^/]+:\d+$/.test(given)
}

export function origins(help: string): Setting<string[] | undefined> {
  return {
    help,
    default: undefined,
    parse(given) {
      const all = given.split(',').map((each) => each.trim())
      if (given !== '*' && !all.every((each) => URL.parse(each)?.origin === each)) {
        throw new Error('must be comma-separated origins such as https://shop.example, or *')
      }
      return all
    },
  }
}

export function rootPath(help: string): Setting<string | undefined> {
  return {
    help,
    default: undefined,
    parse(given) {
      const path = parseRootPath(given)
      if (path === undefined) throw new Error('must be a path such as /shop')
      return path
    },
  }
}

/** A leading `*.` or `.` matches subdomains. */
export function hosts(help: string): Setting<string[] | undefined> {
  return {
    help,
    default: undefined,
    parse(given) {
      const all = given.split(',').map((each) => each.trim().toLowerCase())
      if (!all.every((each) => each === '*' || isIPv6InBrackets(each) || hostName.test(each))) {
        throw new Error('must be comma-separated host names such as shop.example or *.shop.example, or *')
      }
      return all
    },
  }
}

const hostName = /^(?:\*?\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/

function isIPv6InBrackets(given: string): boolean {
  return given.startsWith('[') && given.endsWith(']') && isIPv6(given.slice(1, -1))
}

export function proxies(help: string): Setting<number | string[]> {
  return {
    help,
    default: '0',
    parse(given) {
      if (/^\d{1,2}$/.test(given)) return Number(given)
      const all = given.split(',').map((each) => each.trim())
      if (!all.every(isNetwork)) {
        throw new Error('must be a number, or comma-separated addresses and CIDR ranges such as 10.0.0.0/8')
      }
      return all
    },
  }
}

function isNetwork(given: string): boolean {
  const [address = '', bits = '1', ...more] = given.split('/')
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  return /^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most && more.length === 0
}

export function flag(help: string, standard: boolean): Setting<boolean> {
  const values: Record<string, boolean> = {
    true: true,
    1: true,
    yes: true,
    on: true,
    false: false,
    0: false,
    no: false,
    off: false,
  }
  return {
    help,
    default: String(standard),
    parse(given) {
      const value = values[given.toLowerCase()]
      if (value === undefined) throw new Error('must be true or false')
      return value
    },
  }
}

export function oneOf<const T extends string>(help: string, values: readonly [T, ...T[]]): Setting<T> {
  return {
    help,
    default: values[0],
    parse(given) {
      const value = values.find((candidate) => candidate === given)
      if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`)
      return value
    },
  }
}
