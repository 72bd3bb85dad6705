import { isIP, isIPv6 } from 'node:net'

import { parseRootPath } from '../root-path.ts'
import { integer, type Setting } from './setting-types.ts'

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
