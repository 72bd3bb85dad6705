import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net'

/** All unreadable addresses share one limit. */
const unreadable = 'unknown'

// Canonical, for limits and logs: proxies write addresses with a port, brackets, quotes, or a zone, or as IPv4 inside IPv6.
export function canonicalAddress(given: string | undefined): string {
  const bare = (given ?? '').trim().replace(/^"(.*)"$/, '$1')
  const [, bracketed, dotted] = /^\s*(?:\[(.*)\]|([\d.]+))(?::\d*)?\s*$/.exec(bare) ?? []
  const [plain = ''] = (bracketed ?? dotted ?? bare).trim().split('%')
  if (isIPv4(plain)) return plain
  if (!isIPv6(plain)) return unreadable
  const { address } = new SocketAddress({ address: plain, family: 'ipv6' })
  const mapped = address.replace(/^::ffff:/, '')
  return isIPv4(mapped) ? mapped : address
}

/** What one client controls: an IPv4 address, or a /64 of IPv6. */
export function rateLimitKey(given: string | undefined): string {
  const address = canonicalAddress(given)
  if (!isIPv6(address)) return address
  const [left = [], right] = address.split('::').map((part) => (part ? part.split(':') : []))
  const zeros = right ? Array<string>(8 - left.length - right.length).fill('0') : []
  return [...left, ...zeros, ...(right ?? [])].slice(0, 4).join(':')
}

export function trustProxyOption(proxies: number | string[]) {
  if (typeof proxies === 'number') return proxies > 0 && ((_address: string, hop: number) => hop < proxies)
  const trusted = new BlockList()
  for (const each of proxies) {
    const [address = '', bits] = each.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (bits === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(bits), family)
  }
  return (given: string) => {
    const address = canonicalAddress(given)
    return isIP(address) !== 0 && trusted.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
}
